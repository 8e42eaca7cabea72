//! bpf-linker, built from crates.io against the distribution's LLVM.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::{
    sh,
    toolchain::{self, LINKER_LLVM},
    workspace::Workspace,
};

const VERSION: &str = "0.13.0";

/// What bpf-linker is built from; its shared libraries stay in use.
pub(super) const PACKAGES: [&str; 4] = [
    "llvm-22-dev",
    "libpolly-22-dev",
    "zlib1g-dev",
    "libzstd-dev",
];

/// Builds bpf-linker into the tools directory.
pub(super) fn install(workspace: &Workspace) -> Result<()> {
    let prefix = PathBuf::from(format!("/usr/lib/llvm-{LINKER_LLVM}"));
    if !prefix.is_dir() {
        bail!("no LLVM {LINKER_LLVM} in {}", prefix.display());
    }
    eprintln!(
        "setup: will build bpf-linker {VERSION} into {}",
        workspace.tools().display()
    );
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    toolchain::without_host_settings(&mut command)
        .env("LLVM_PREFIX", prefix)
        .args(["install", "bpf-linker", "--version", VERSION, "--locked"])
        .args(["--no-default-features", "--features"])
        .arg(format!("llvm-{LINKER_LLVM}"))
        .arg("--root")
        .arg(workspace.tools());
    sh::run(&mut command)
}
