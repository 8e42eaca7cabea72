//! `cargo xtask setup`: what building and the lab need. Only what is missing
//! is installed, and it is said before it is done.

pub(crate) mod apt;
pub(crate) mod interop;
mod linker;
mod nginx;

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{
    sh,
    toolchain::{self, Found, Toolchain},
    workspace::Workspace,
};

/// rustc 1.96 with its library sources, under Debian's names.
const COMPILER_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "cargo-web"];

/// Programs of the lab and the packages that hold them.
const TOOLS: [(&str, &str); 7] = [
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("ethtool", "ethtool"),
    ("bpftool", "bpftool"),
    ("dnsmasq", "dnsmasq-base"),
    ("openssl", "openssl"),
    // redis-server by another name; the package of that name would start a service.
    ("redis-check-rdb", "redis-tools"),
];

/// What setup leaves behind.
pub(crate) struct Ready {
    pub(crate) toolchain: Toolchain,
    /// Path of an nginx that runs.
    pub(crate) nginx: PathBuf,
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let ready = ensure(workspace)?;
    interop::ensure()?;
    let compiler = &ready.toolchain.compiler;
    eprintln!("setup: everything is there");
    eprintln!(
        "  rustc {} in {}",
        compiler.release,
        compiler.sysroot.display()
    );
    eprintln!("  {}", ready.toolchain.linker.display());
    eprintln!("  {}", ready.nginx.display());
    for tool in TOOLS.iter().filter_map(|(tool, _)| sh::find(tool)) {
        eprintln!("  {}", tool.display());
    }
    for tool in interop::found() {
        eprintln!("  {tool}");
    }
    Ok(())
}

/// Makes sure that all is there; installs what is not.
///
/// # Errors
/// Says what to type when something is missing and we are not root, and what
/// is needed on a system without apt.
pub(crate) fn ensure(workspace: &Workspace) -> Result<Ready> {
    let found = toolchain::find(workspace);
    apt::install(&missing_packages(&found))?;
    if found.linker.is_none() {
        linker::install(workspace)?;
    }
    Ok(Ready {
        toolchain: toolchain::require(workspace).context(apt::OTHER_WAY)?,
        nginx: nginx::ensure(workspace)?,
    })
}

/// The packages of everything that is not there yet.
fn missing_packages(found: &Found) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if found.compiler.is_none() {
        packages.extend(COMPILER_PACKAGES);
    }
    if found.linker.is_none() {
        // They may be there although the linker is not built yet.
        packages.extend(apt::not_installed(&linker::PACKAGES));
    }
    let absent = TOOLS.iter().filter(|(tool, _)| sh::find(tool).is_none());
    packages.extend(absent.map(|(_, package)| *package));
    packages
}
