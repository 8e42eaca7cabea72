//! Developer commands of lvx: `cargo xtask <verb>`.
//!
//! One file per verb; `sh` runs commands, `workspace` knows where things are,
//! `toolchain` finds a compiler and a linker for the BPF objects.

mod bench;
mod build;
mod demo;
mod fuzz;
mod run;
mod setup;
mod sh;
mod test;
mod toolchain;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of lvx")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Find the BPF toolchain and the tools of the lab; install what is missing
    Setup,
    /// Build the BPF objects and `lvx` with its object embedded
    Build(build::Args),
    /// Build `lvx` and run it on this host: `cargo xtask run -- -c FILE`
    Run(run::Args),
    /// Show the main job on real traffic, in network namespaces
    Demo(demo::Args),
    /// Run everything that CI runs
    Test(test::Args),
    /// Fuzz what strangers can send bytes to, with a nightly toolchain
    Fuzz(fuzz::Args),
    /// Measure the packet path and the whole way
    Bench(bench::Args),
    /// Run tests on kernels with IP_VS, in emulated machines
    Vm(vm::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let workspace = Workspace::locate();
    let done = match cli.verb {
        Verb::Setup => setup::run(&workspace),
        Verb::Build(args) => build::run(&workspace, &args),
        Verb::Run(args) => run::run(&workspace, &args),
        Verb::Demo(args) => demo::run(&workspace, &args),
        Verb::Test(args) => test::run(&workspace, &args),
        Verb::Fuzz(args) => fuzz::run(&workspace, &args),
        Verb::Bench(args) => bench::run(&workspace, &args),
        Verb::Vm(args) => vm::run(&workspace, &args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
