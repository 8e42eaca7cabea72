//! `cargo xtask bench checks`: ten thousand health checks in one daemon.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use lb_tests::checks_bench::{self, Plan};
use lb_tests::netns::is_root;
use lb_tests::vrrp_bench;

/// Runs lvx with TCP checks of servers on its own host, and measures it.
#[derive(Parser)]
struct Arguments {
    /// Services, of 100 real servers each
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=200))]
    services: u16,
    /// How long
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Write the table into this Markdown file, between its markers
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(is_root(), "network namespaces need root");
    let lvx =
        std::env::var_os("LVX_BIN").context("LVX_BIN is not set; `cargo xtask bench` does")?;
    let plan = Plan {
        services: arguments.services,
        time: Duration::from_secs(arguments.seconds),
    };
    let table = checks_bench::run(&PathBuf::from(lvx), plan)?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let text = format!("Kernel {}.\n\n{table}", release.trim());
    if let Some(file) = arguments.write {
        vrrp_bench::write("checks", &text, &file)?;
    }
    #[expect(clippy::print_stdout, reason = "the results are this program's output")]
    {
        println!("{text}");
    }
    Ok(())
}
