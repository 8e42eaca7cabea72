//! Kernel modules and what they depend on.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

/// The modules that the tests want, and the console's. A kernel that has one built in has no file.
const WANTED: [&str; 17] = [
    "virtio_pci",
    "virtio_console",
    "veth",
    "bridge",
    "dummy",
    "tun",
    "ipip",
    "macvlan",
    "8021q",
    "sch_ingress",
    "cls_bpf",
    "ip_vs_mh",
    "ip_vs_sh",
    "ip_vs_rr",
    "ip_vs_wrr",
    "ip_vs_lc",
    "ip_vs_wlc",
];

/// A module's file, unpacked.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) data: Vec<u8>,
}

/// The wanted modules below `directory` with all they depend on, in the order to load them.
/// `busybox` unpacks them: the host may have no xz.
pub(super) fn load_order(directory: &Path, busybox: &Path) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    index(directory, &mut files)
        .with_context(|| format!("the modules in {}", directory.display()))?;
    let read = |path: &Path| read(path, busybox);
    let mut order = Vec::new();
    for name in WANTED {
        add(name, &files, &read, &mut order)?;
    }
    if !order.iter().any(|module| module.name == "ip_vs") {
        bail!("no IP_VS among the modules in {}", directory.display());
    }
    Ok(order)
}

fn add(
    name: &str,
    files: &BTreeMap<String, PathBuf>,
    read: &impl Fn(&Path) -> Result<Vec<u8>>,
    order: &mut Vec<Module>,
) -> Result<()> {
    let name = canonical(name);
    let Some(path) = files.get(&name) else {
        return Ok(());
    };
    if order.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let data = read(path)?;
    for dependency in depends(&data) {
        add(&dependency, files, read, order)?;
    }
    order.push(Module { name, data });
    Ok(())
}

/// All module files below `directory`, by name.
fn index(directory: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            index(&path, files)?;
            continue;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if let Some((stem, "" | ".xz")) = name.split_once(".ko") {
            files.insert(canonical(stem), path.clone());
        }
    }
    Ok(())
}

/// The kernel takes `-` and `_` in names for the same.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn read(path: &Path, busybox: &Path) -> Result<Vec<u8>> {
    if path.extension().is_some_and(|end| end == "ko") {
        return fs::read(path).with_context(|| format!("reading {}", path.display()));
    }
    let output = Command::new(busybox).arg("xzcat").arg(path).output();
    let output = output.context("busybox cannot be started")?;
    if !output.status.success() {
        bail!("cannot unpack {}", path.display());
    }
    Ok(output.stdout)
}

/// The `depends=` line in the section .modinfo, which is strings that end with a zero.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(start) = module.windows(KEY.len()).position(|bytes| bytes == KEY) else {
        return Vec::new();
    };
    let value = &module[start + KEY.len()..];
    let end = value.iter().position(|byte| *byte == 0);
    let value = String::from_utf8_lossy(&value[..end.unwrap_or(value.len())]);
    let names = value.split(',').filter(|name| !name.is_empty());
    names.map(canonical).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_the_module_information() {
        let module = b"\x7fELF..\0license=GPL\0depends=ip_vs,nf-conntrack\0name=x\0";
        assert_eq!(depends(module), ["ip_vs", "nf_conntrack"]);
        assert!(depends(b"\0depends=\0name=veth\0").is_empty());
        assert!(depends(b"nothing").is_empty());
    }
}
