//! `cargo xtask demo`: from a fresh clone to the main job on real traffic.

use std::process::Command;

use anyhow::Result;

use crate::{
    build,
    setup::{self, Ready},
    sh,
    workspace::{Profile, Workspace},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the lab up afterwards, and say how to look at it
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let ready = setup::ensure(workspace)?;
    build::bpf_objects(workspace, &ready.toolchain)?;
    let packages = ["-p", "lb-userspace", "-p", "lb-tests"];
    let binaries = ["--bin", "lvx", "--bin", "lvx-demo"];
    build::host(workspace, Profile::Release, &[packages, binaries].concat())?;
    let mut demo = command(workspace, Profile::Release, &ready)?;
    if args.keep {
        demo.arg("--keep");
    }
    sh::become_command(&mut demo)
}

/// The demo, as built with `profile`, ready to start.
pub(crate) fn command(workspace: &Workspace, profile: Profile, ready: &Ready) -> Result<Command> {
    let variables = workspace.lab_variables(profile, &ready.nginx);
    sh::as_root(&workspace.binary(profile, "lvx-demo"), &variables)
}
