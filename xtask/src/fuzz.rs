//! `cargo xtask fuzz vrrp`: random input that learns from what the program does with it
//! (libFuzzer), for code that strangers can send bytes to.
//!
//! It needs a nightly compiler, and nothing else of this repository does: where there is none it
//! says so and stops. What it finds it leaves in `tests/fuzz/artifacts`, what it learns in the
//! target directory.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::{sh, workspace::Workspace};

const VERSION: &str = "0.13.2";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to fuzz
    target: Target,
    /// How long, without the build
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Args {
    /// What CI runs.
    pub(crate) fn in_ci() -> Self {
        Self {
            target: Target::Vrrp,
            seconds: 60,
        }
    }
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Target {
    /// The codec, and the state machine behind it
    Vrrp,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let Some(nightly) = nightly() else {
        eprintln!("skipped: no nightly toolchain (`rustup toolchain install nightly` gets one)");
        return Ok(());
    };
    let cargo_fuzz = ensure(workspace)?;
    let name = args.target.name();
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
        .arg(format!("-max_total_time={}", args.seconds))
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
