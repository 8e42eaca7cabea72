//! `cargo xtask run -- -c FILE`: the daemon on this host. Built as the user,
//! run as root.

use std::ffi::OsString;

use anyhow::Result;

use crate::{
    build, sh,
    workspace::{Profile, Workspace},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of `lvx run`, such as `-c FILE`
    #[arg(last = true, required = true)]
    lvx: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    build::lvx(workspace, Profile::Release)?;
    let lvx = workspace.binary(Profile::Release, "lvx");
    let mut command = sh::as_root(&lvx, &Workspace::callers_variables())?;
    sh::become_command(command.arg("run").args(&args.lvx))
}
