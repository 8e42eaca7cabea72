//! `cargo xtask fuzz all`: random input that learns from what the program does with it
//! (libFuzzer), for code that strangers can send bytes to.
//!
//! It needs a nightly compiler, and nothing else of this repository does: where there is none it
//! says so and stops. What it finds it leaves in `tests/fuzz/artifacts`, what it learns in the
//! target directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;

use crate::{sh, workspace::Workspace};

const VERSION: &str = "0.13.2";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to fuzz, one after the other
    #[arg(required = true)]
    targets: Vec<Target>,
    /// How long each, without the build
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Args {
    /// What CI runs.
    pub(crate) fn in_ci() -> Self {
        Self {
            targets: vec![Target::All],
            seconds: 10,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Target {
    /// All of the others
    All,
    /// Bodies and datagrams, compared with what is wanted
    Body,
    /// When certificates of servers expire
    Certificate,
    /// Answers of DNS servers
    Dns,
    /// Answers to ICMP echo
    Echo,
    /// Who claims an address, in ARP and neighbour discovery
    Frames,
    /// Frames of gRPC health checking
    Grpc,
    /// Answers of Redis
    Redis,
    /// Lines of the control socket
    Request,
    /// Replies of mail servers
    Smtp,
    /// VRRP: the codec, and the state machine behind it
    Vrrp,
}

impl Target {
    /// In `tests/fuzz/targets` and `tests/fuzz/seeds`.
    fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Each once, in their order.
fn chosen(targets: &[Target]) -> Vec<Target> {
    let every = Target::value_variants().iter().copied();
    let wanted = every.filter(|one| targets.contains(one) || targets.contains(&Target::All));
    wanted.filter(|one| *one != Target::All).collect()
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let Some(nightly) = nightly() else {
        eprintln!("skipped: no nightly toolchain (`rustup toolchain install nightly` gets one)");
        return Ok(());
    };
    let cargo_fuzz = ensure(workspace)?;
    for target in chosen(&args.targets) {
        let name = target.name();
        one(workspace, &cargo_fuzz, &nightly, &name, args.seconds).with_context(|| {
            format!("fuzz target {name}: what it found is in tests/fuzz/artifacts/{name}")
        })?;
    }
    Ok(())
}

fn one(
    workspace: &Workspace,
    cargo_fuzz: &Path,
    nightly: &str,
    name: &str,
    seconds: u32,
) -> Result<()> {
    let directory = workspace.root.join("tests/fuzz");
    let corpus = workspace.target.join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let mut command = Command::new(cargo_fuzz);
    // No sanitizer: what is fuzzed has no `unsafe`, and is several times faster so.
    command
        .current_dir(&workspace.root)
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env("RUSTUP_TOOLCHAIN", nightly)
        .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
        .arg(&directory)
        .arg("--target-dir")
        .arg(workspace.target.join("fuzz"))
        .arg(name)
        .arg(corpus)
        .arg(directory.join("seeds").join(name))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=2048", "-print_final_stats=1"]);
    sh::run(&mut command)
}

/// The name of an installed nightly toolchain.
fn nightly() -> Option<String> {
    let list = sh::output(Command::new("rustup").args(["toolchain", "list"])).ok()?;
    let names = list.lines().filter_map(|line| line.split(' ').next());
    let mut nightly = names.filter(|name| name.starts_with("nightly"));
    nightly.next().map(str::to_owned)
}

/// cargo-fuzz from `PATH` or the tools directory; built into the latter when missing.
fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let built = workspace.tools().join("bin/cargo-fuzz");
    if sh::is_executable(&built) {
        return Ok(built);
    }
    if let Some(found) = sh::find("cargo-fuzz") {
        return Ok(found);
    }
    let tools = workspace.tools();
    eprintln!(
        "fuzz: will build cargo-fuzz {VERSION} into {}",
        tools.display()
    );
    let mut command = workspace.cargo("install");
    command
        .args(["--locked", "cargo-fuzz", "--version", VERSION, "--root"])
        .arg(tools);
    sh::run(&mut command)?;
    Ok(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_those_that_have_a_file_and_seeds() {
        let fuzz = Workspace::locate().root.join("tests/fuzz");
        let names: Vec<String> = chosen(&[Target::All])
            .into_iter()
            .map(Target::name)
            .collect();
        let mut files: Vec<String> = fs::read_dir(fuzz.join("targets"))
            .unwrap()
            .map(|file| {
                let path = file.unwrap().path();
                path.file_stem().unwrap().to_string_lossy().into_owned()
            })
            .collect();
        files.sort();
        assert_eq!(names, files);
        for name in names {
            assert!(
                fuzz.join("seeds").join(&name).is_dir(),
                "no seeds of {name}"
            );
        }
        assert_eq!(
            chosen(&[Target::Vrrp, Target::Dns, Target::Vrrp]),
            [Target::Dns, Target::Vrrp]
        );
    }
}
