//! Finding a compiler and a linker for the BPF objects (DESIGN 3).
//!
//! The compiler is any rustc >= 1.95 that has the sources of its library:
//! a rustup toolchain with rust-src, or the distribution's own in /usr.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{sh, workspace::Workspace};

/// The LLVM that setup builds bpf-linker with. A linker reads the bitcode of
/// this LLVM and older ones.
pub(crate) const LINKER_LLVM: u32 = 22;

/// Oldest usable compiler and linker, as (major, minor).
const RUSTC_MINIMUM: (u32, u32) = (1, 95);
const LINKER_MINIMUM: (u32, u32) = (0, 13);

/// A rustc with its cargo and its library sources.
pub(crate) struct Compiler {
    /// Holds `bin/rustc` and `bin/cargo`.
    pub(crate) sysroot: PathBuf,
    /// As rustc tells it: `1.96.0`.
    pub(crate) release: String,
    /// Major version of its LLVM.
    llvm: u32,
}

/// All that building a BPF object takes.
pub(crate) struct Toolchain {
    pub(crate) compiler: Compiler,
    /// Path of bpf-linker.
    pub(crate) linker: PathBuf,
}

/// What is there of a toolchain; setup installs the rest.
pub(crate) struct Found {
    pub(crate) compiler: Option<Compiler>,
    pub(crate) linker: Option<PathBuf>,
}

/// Looks for a compiler and a linker that fit each other.
pub(crate) fn find(workspace: &Workspace) -> Found {
    let foreign = sh::find("bpf-linker").filter(|linker| runs(linker));
    let own = workspace.tools().join("bin/bpf-linker");
    // We know the LLVM of our own linker; whoever put another one on PATH
    // chose it for the compilers there.
    let newest_llvm = foreign.as_ref().map_or(LINKER_LLVM, |_| u32::MAX);
    let compiler = sysroots()
        .into_iter()
        .filter_map(Compiler::inspect)
        .filter(|compiler| compiler.llvm <= newest_llvm)
        // The oldest bitcode is the likeliest to be readable.
        .min_by_key(|compiler| compiler.llvm);
    Found {
        compiler,
        linker: foreign.or_else(|| Some(own).filter(|linker| runs(linker))),
    }
}

/// The toolchain, or an error that says which half of it is missing.
pub(crate) fn require(workspace: &Workspace) -> Result<Toolchain> {
    let found = find(workspace);
    Ok(Toolchain {
        compiler: found
            .compiler
            .context("no rustc >= 1.95 with its library sources")?,
        linker: found.linker.context("no bpf-linker >= 0.13")?,
    })
}

impl Compiler {
    /// The compiler of `sysroot`, if the BPF objects can be built with it.
    fn inspect(sysroot: PathBuf) -> Option<Self> {
        let sources = sysroot.join("lib/rustlib/src/rust/library/Cargo.lock");
        if !sources.is_file() || !sh::is_executable(&sysroot.join("bin/cargo")) {
            return None;
        }
        let mut rustc = Command::new(sysroot.join("bin/rustc"));
        let facts = sh::output(rustc.arg("-vV").env_remove("LD_LIBRARY_PATH")).ok()?;
        let fact = |key: &str| {
            let mut lines = facts.lines();
            lines.find_map(|line| line.strip_prefix(key)).map(str::trim)
        };
        let release = fact("release:")?;
        if version(release)? < RUSTC_MINIMUM {
            return None;
        }
        Some(Self {
            sysroot,
            release: release.to_owned(),
            llvm: version(fact("LLVM version:")?)?.0,
        })
    }
}

/// Every place where a compiler may be: rustup's toolchains first.
fn sysroots() -> Vec<PathBuf> {
    // Without rustup there is only the distribution's.
    let list = sh::output(Command::new("rustup").args(["toolchain", "list", "-v"]));
    let mut sysroots = rustup_sysroots(&list.unwrap_or_default());
    sysroots.push(PathBuf::from("/usr"));
    sysroots
}

/// The paths in the output of `rustup toolchain list -v`: a name, notes in
/// brackets, a path.
fn rustup_sysroots(list: &str) -> Vec<PathBuf> {
    list.lines()
        .filter_map(|line| line.find('/').map(|start| &line[start..]))
        .map(|path| PathBuf::from(path.trim_end()))
        .collect()
}

/// Whether `linker` starts (its LLVM library may be gone) and is new enough.
fn runs(linker: &Path) -> bool {
    let mut command = Command::new(linker);
    sh::output(command.arg("--version").env_remove("LD_LIBRARY_PATH"))
        .ok()
        .and_then(|line| version(line.trim_start_matches("bpf-linker").trim()))
        .is_some_and(|found| found >= LINKER_MINIMUM)
}

/// Major and minor of `1.96.0-nightly`.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(['.', '-', ' ']).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// `command` without what `cargo run`, rustup or the caller say to the host's
/// compiler, which would lead another one astray.
pub(crate) fn without_host_settings(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let stranger = name.to_str().is_some_and(|name| {
            [
                "LD_LIBRARY_PATH",
                "CARGO",
                "CARGO_TARGET_DIR",
                // Other units of code: the verifier refuses what comes of them.
                "CARGO_INCREMENTAL",
                "RUSTUP_TOOLCHAIN",
            ]
            .contains(&name)
                || name.starts_with("RUSTC")
                || name.starts_with("RUSTFLAGS")
                || name.starts_with("CARGO_BUILD_")
                || name.starts_with("CARGO_PROFILE_")
        });
        if stranger {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("1.96.0"), Some((1, 96)));
        assert_eq!(version("1.99.0-nightly"), Some((1, 99)));
        assert_eq!(version("22.1"), Some((22, 1)));
        assert_eq!(version("0.13.0\n"), Some((0, 13)));
        assert_eq!(version("unknown"), None);
        assert!(version("1.9.0") < Some(RUSTC_MINIMUM));
    }

    #[test]
    fn paths_of_rustup_toolchains() {
        let list = "stable-x86_64-unknown-linux-gnu (active, default) /root/.rustup/a\n\
                    mine\t/opt/with space/b\nno installed toolchains\n";
        assert_eq!(
            rustup_sysroots(list),
            [
                PathBuf::from("/root/.rustup/a"),
                PathBuf::from("/opt/with space/b")
            ]
        );
    }
}
