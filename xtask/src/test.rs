//! `cargo xtask test`: everything that CI runs, in order, up to the first
//! failure.
//!
//! `lvx` is built once, unoptimised and with its assertions on, and the tests
//! and the demo use that one. Clippy has a target directory of its own: it
//! looks at the stub, and would have `lvx` rebuilt after every look.

use std::{
    env,
    ffi::OsString,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{
    build, demo, fuzz, setup, sh,
    vm::{self, Kernel},
    workspace::{Profile, Workspace},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only the tests with this in their name, without the other steps
    filter: Option<String>,
}

/// Runs steps and remembers how long each took.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let result = work().with_context(|| format!("step `{name}` FAILED"))?;
        self.done.push((name, start.elapsed()));
        Ok(result)
    }

    fn summary(&self) {
        eprintln!();
        for (name, took) in &self.done {
            eprintln!("ok  {name:<12} {:>7.1} s", took.as_secs_f64());
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut steps = Steps::default();
    let all = args.filter.is_none();
    // First: what is missing should not come to light after minutes of clippy.
    let ready = steps.step("setup", || {
        setup::interop::ensure()?;
        setup::ensure(workspace)
    })?;
    if all {
        steps.step("fmt", || {
            sh::run(workspace.cargo("fmt").args(["--all", "--check"]))
        })?;
        steps.step("clippy", || clippy(workspace))?;
    }
    steps.step("bpf", || build::bpf_objects(workspace, &ready.toolchain))?;
    // With the tests, so that the features of their dependencies do not have
    // `lvx` built a second time for them.
    let targets = ["--workspace", "--bins", "--tests"];
    steps.step("build", || build::host(workspace, Profile::Dev, &targets))?;
    let variables = workspace.lab_variables(Profile::Dev, &ready.nginx);
    steps.step("tests", || {
        tests(workspace, &variables, args.filter.as_deref())
    })?;
    if all {
        steps.step("fuzz", || fuzz::run(workspace, &fuzz::Args::in_ci()))?;
        machines(&mut steps, workspace, &ready.nginx)?;
        steps.step("demo", || {
            sh::run(&mut demo::command(workspace, Profile::Dev, &ready)?)
        })?;
    }
    steps.summary();
    Ok(())
}

/// The tests that need another kernel than this one.
fn machines(steps: &mut Steps, workspace: &Workspace, nginx: &Path) -> Result<()> {
    let in_ci = env::var("CI").is_ok_and(|ci| ci == "true");
    if let Some(why) = vm::Lab::obstacle().filter(|_| !in_ci) {
        eprintln!("skipped: {why}");
        return Ok(());
    }
    let lab = steps.step("vm", || vm::Lab::new(workspace, nginx))?;
    for (name, kernel) in [
        ("vm uml", Kernel::Uml),
        ("vm 6.1", Kernel::V6_1),
        ("vm 6.12", Kernel::V6_12),
    ] {
        steps.step(name, || lab.default_tests(kernel))?;
    }
    Ok(())
}

/// Every target of every crate on the host, with the stub instead of an
/// object: nobody needs a BPF toolchain for this.
fn clippy(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo("clippy");
    command
        .env_remove("LVX_BPF_OBJECT")
        .env("CARGO_TARGET_DIR", workspace.target.join("clippy"))
        .args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    sh::run(&mut command)
}

/// The tests of every crate. Those that make namespaces or load programs need
/// root: without it cargo starts each test binary through sudo.
fn tests(
    workspace: &Workspace,
    variables: &[(&str, OsString)],
    filter: Option<&str>,
) -> Result<()> {
    let mut command = workspace.cargo("test");
    command
        .arg("--workspace")
        .env("PATH", sh::path_with_system_directories())
        .envs(variables.iter().map(|(name, value)| (name, value)));
    if !sh::is_root() {
        command.env(runner_variable(), "sudo -E");
    }
    if let Some(filter) = filter {
        command.args(["--", filter]);
    }
    sh::run(&mut command)
}

/// Cargo's name for what starts the host's test binaries.
fn runner_variable() -> String {
    let architecture = env::consts::ARCH.to_uppercase();
    format!("CARGO_TARGET_{architecture}_UNKNOWN_LINUX_GNU_RUNNER")
}
