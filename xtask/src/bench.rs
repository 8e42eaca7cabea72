//! `cargo xtask bench`: the figures of DESIGN 10, from `lvx-bench`.

use anyhow::Result;

use crate::{
    build, setup, sh,
    workspace::{Profile, Workspace},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print the figures as JSON (shape: DESIGN 9)
    #[arg(long)]
    json: bool,
    /// Further arguments of `lvx-bench`
    #[arg(last = true)]
    more: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let ready = setup::ensure(workspace)?;
    build::bpf_objects(workspace, &ready.toolchain)?;
    let packages = ["-p", "lb-userspace", "-p", "lb-tests"];
    let binaries = ["--bin", "lvx", "--bin", "lvx-bench"];
    build::host(workspace, Profile::Release, &[packages, binaries].concat())?;
    let variables = workspace.lab_variables(Profile::Release, &ready.nginx);
    let bench = workspace.binary(Profile::Release, "lvx-bench");
    let mut command = sh::as_root(&bench, &variables)?;
    if args.json {
        command.arg("--json");
    }
    sh::become_command(command.args(&args.more))
}
