//! `cargo xtask build`: the BPF objects, then `lvx` with its object embedded.

use std::{fs, path::Path, process::Command, time::SystemTime};

use anyhow::{Context as _, Result, bail};

use crate::{
    sh,
    toolchain::{self, Toolchain},
    workspace::{Profile, Workspace},
};

const TARGET: &str = "bpfel-unknown-none";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build `lvx` without optimisation
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let profile = if args.dev {
        Profile::Dev
    } else {
        Profile::Release
    };
    lvx(workspace, profile)?;
    eprintln!("built {}", workspace.binary(profile, "lvx").display());
    Ok(())
}

/// Builds the BPF objects and `lvx`.
pub(crate) fn lvx(workspace: &Workspace, profile: Profile) -> Result<()> {
    let toolchain = toolchain::require(workspace).context("run `cargo xtask setup` first")?;
    bpf_objects(workspace, &toolchain)?;
    host(workspace, profile, &["-p", "lb-userspace", "--bin", "lvx"])
}

/// Builds for the host what `selection` (arguments of cargo) names, with the
/// BPF object embedded. The objects have to be there.
pub(crate) fn host(workspace: &Workspace, profile: Profile, selection: &[&str]) -> Result<()> {
    let mut command = workspace.cargo("build");
    command
        .env("LVX_BPF_OBJECT", workspace.bpf_object("lvx-xdp"))
        .args(selection);
    match profile {
        Profile::Dev => &mut command,
        Profile::Release => command.arg("--release"),
    };
    sh::run(&mut command)
}

/// Builds every binary of lb-ebpf from source, with BTF, into
/// `<target>/bpf/<name>.o`.
pub(crate) fn bpf_objects(workspace: &Workspace, toolchain: &Toolchain) -> Result<()> {
    let bin = toolchain.compiler.sysroot.join("bin");
    // A directory of its own: the compiler is another than the host's.
    let target = workspace.target.join("bpf-build");
    let mut command = Command::new(bin.join("cargo"));
    toolchain::without_host_settings(&mut command)
        .current_dir(&workspace.root)
        .env("RUSTC", bin.join("rustc"))
        // A stable compiler takes -Z build-std only this way.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", &toolchain.linker)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            // The third instruction set has atomic exchanges (kernel 5.12). Packet headers are
            // not aligned; without the feature they are read byte by byte.
            "-Cdebuginfo=2\u{1f}-Clink-arg=--btf\u{1f}-Ctarget-cpu=v3\u{1f}\
             -Ctarget-feature=+allows-misaligned-mem-access",
        )
        .args(["build", "-p", "lb-ebpf", "--bins", "--release"])
        .args(["--target", TARGET, "-Z", "build-std=core", "--target-dir"])
        .arg(&target);
    sh::run(&mut command)?;
    collect(&target.join(TARGET).join("release"), workspace)
}

/// Copies the linked objects out of cargo's directory `built`.
fn collect(built: &Path, workspace: &Workspace) -> Result<()> {
    let mut copied = 0;
    for file in fs::read_dir(built).with_context(|| format!("no {}", built.display()))? {
        let path = file?.path();
        // Cargo's own files here are hidden or have an ending.
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        if !path.is_file() || name.contains('.') {
            continue;
        }
        copy_if_newer(&path, &workspace.bpf_object(name))?;
        copied += 1;
    }
    if copied == 0 {
        bail!("lb-ebpf has no binaries in {}", built.display());
    }
    Ok(())
}

/// Leaves an unchanged copy alone, so that `lvx` is not built again.
fn copy_if_newer(from: &Path, to: &Path) -> Result<()> {
    let modified = |path: &Path| -> Option<SystemTime> { path.metadata().ok()?.modified().ok() };
    if modified(to) > modified(from) {
        return Ok(());
    }
    if let Some(directory) = to.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
