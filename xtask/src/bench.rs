//! `cargo xtask bench`: the figures of DESIGN 10, from `lvx-bench`, VRRP beside keepalived, from
//! `lvx-vrrp-bench`, and health checks, from `lvx-checks-bench`.

use anyhow::Result;

use crate::{
    build,
    setup::{self, Ready},
    sh,
    workspace::{Profile, Workspace},
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Print the figures as JSON (shape: DESIGN 9)
    #[arg(long)]
    json: bool,
    /// Further arguments of `lvx-bench`
    #[arg(last = true)]
    more: Vec<String>,
}

#[derive(clap::Subcommand)]
enum What {
    /// How long a failover takes, beside keepalived: `--runs N`, `--advert 10ms`, `--kind kill`,
    /// `--write FILE`, `--resume`
    Failover(More),
    /// 255 virtual routers on one interface, beside keepalived: `--seconds N`, `--write FILE`
    Vrids(More),
    /// 10,000 health checks every second: `--services N` of 100 real servers each, `--seconds N`,
    /// `--write FILE`
    Checks(More),
}

/// Arguments of the program that measures; `-- --help` shows them all.
#[derive(clap::Args)]
struct More {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let (verb, more) = match &args.what {
        None => return packet_path(workspace, args),
        Some(What::Failover(more)) => ("failover", &more.more),
        Some(What::Vrids(more)) => ("vrids", &more.more),
        Some(What::Checks(more)) => return checks(workspace, more),
    };
    setup::interop::ensure()?;
    let ready = build(workspace, "lvx-vrrp-bench")?;
    let variables = workspace.lab_variables(Profile::Release, &ready.nginx);
    let bench = workspace.binary(Profile::Release, "lvx-vrrp-bench");
    let mut command = sh::as_root(&bench, &variables)?;
    command.arg(verb);
    // Without it an interruption would lose all rounds.
    if verb == "failover" && !more.iter().any(|word| word.starts_with("--lines")) {
        let lines = workspace.target.join("failover.jsonl");
        command.arg("--lines").arg(lines);
    }
    sh::become_command(command.args(more))
}

fn packet_path(workspace: &Workspace, args: &Args) -> Result<()> {
    let ready = build(workspace, "lvx-bench")?;
    let variables = workspace.lab_variables(Profile::Release, &ready.nginx);
    let bench = workspace.binary(Profile::Release, "lvx-bench");
    let mut command = sh::as_root(&bench, &variables)?;
    if args.json {
        command.arg("--json");
    }
    sh::become_command(command.args(&args.more))
}

fn checks(workspace: &Workspace, more: &More) -> Result<()> {
    let ready = build(workspace, "lvx-checks-bench")?;
    let variables = workspace.lab_variables(Profile::Release, &ready.nginx);
    let bench = workspace.binary(Profile::Release, "lvx-checks-bench");
    sh::become_command(sh::as_root(&bench, &variables)?.args(&more.more))
}

/// `lvx` and the program that measures it.
fn build(workspace: &Workspace, bench: &str) -> Result<Ready> {
    let ready = setup::ensure(workspace)?;
    build::bpf_objects(workspace, &ready.toolchain)?;
    let packages = ["-p", "lb-userspace", "-p", "lb-tests"];
    let binaries = ["--bin", "lvx", "--bin", bench];
    build::host(workspace, Profile::Release, &[packages, binaries].concat())?;
    Ok(ready)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Verb {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(words: &[&str]) -> Args {
        Verb::parse_from(["bench"].iter().chain(words)).args
    }

    #[test]
    fn words_for_the_programs_are_handed_on() {
        let plain = parsed(&["--json", "--", "--runs", "3"]);
        assert!(plain.json && plain.what.is_none());
        assert_eq!(plain.more, ["--runs", "3"]);
        let failover = parsed(&["failover", "--advert", "10ms", "--resume"]);
        let Some(What::Failover(words)) = failover.what else {
            panic!("another verb");
        };
        assert_eq!(words.more, ["--advert", "10ms", "--resume"]);
    }
}
