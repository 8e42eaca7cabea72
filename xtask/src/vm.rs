//! `cargo xtask vm`: tests on kernels with IP_VS, in emulated machines. docs/vm.md says how.

mod bench;
mod cpio;
mod image;
mod kernel;
mod lab;
mod machine;
mod modules;
mod packages;
mod programs;
mod scratch;

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use serde_json::Value;

pub(crate) use self::{kernel::Kernel, lab::Lab};
use crate::{
    build, setup,
    workspace::{Profile, Workspace},
};

/// Longest time of the tests on one kernel.
const LIMIT: Duration = Duration::from_secs(900);

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// Only on this kernel; may be given several times
    #[arg(long = "kernel", value_enum)]
    kernels: Vec<Kernel>,
    /// Longest time of the tests on one kernel
    #[arg(long, value_name = "SECONDS", default_value_t = LIMIT.as_secs())]
    limit: u64,
    /// Take this program along as well, under its own path; may be given several times
    #[arg(long = "with", value_name = "PROGRAM")]
    more: Vec<PathBuf>,
    /// Instead of tests, compare the instructions per packet of IPVS and of our XDP program
    #[arg(long)]
    bench: bool,
    /// Print the benchmark's figures as JSON
    #[arg(long, requires = "bench")]
    json: bool,
    /// Write the benchmark's figures into this Markdown file, between its markers
    #[arg(long, requires = "bench", value_name = "FILE")]
    write: Option<PathBuf>,
    /// Test binary of lb-tests, or the path of any program; without one, those that CI runs
    test: Option<String>,
    /// Arguments of the test binary
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let ready = setup::ensure(workspace)?;
    build::bpf_objects(workspace, &ready.toolchain)?;
    let kernels: &[Kernel] = match args.kernels.as_slice() {
        [] => &Kernel::ALL,
        some => some,
    };
    if args.bench {
        bench::build(workspace)?;
        let lab = Lab::new(workspace, &ready.nginx)?;
        return show(&bench::run(&lab, kernels, &args.arguments)?, args);
    }
    let targets = ["--workspace", "--bins", "--tests"];
    build::host(workspace, Profile::Dev, &targets)?;
    let lab = Lab::new(workspace, &ready.nginx)?;
    let mut failed = Vec::new();
    for kernel in kernels {
        let limit = Duration::from_secs(args.limit);
        let result = lab.test(*kernel, args, limit);
        if let Err(error) = result {
            eprintln!("vm: {}: {error:#}", kernel.name());
            failed.push(kernel.name());
        }
    }
    if !failed.is_empty() {
        bail!("tests failed on: {}", failed.join(", "));
    }
    Ok(())
}

fn show(figures: &[Value], args: &Args) -> Result<()> {
    let tables = bench::tables(figures);
    if let Some(path) = &args.write {
        bench::write(&tables, path)?;
    }
    let text = if args.json {
        serde_json::to_string_pretty(figures)?
    } else {
        tables
    };
    #[expect(clippy::print_stdout, reason = "the figures are this verb's output")]
    {
        println!("{text}");
    }
    Ok(())
}
