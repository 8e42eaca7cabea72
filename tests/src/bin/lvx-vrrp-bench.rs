//! `cargo xtask bench failover` and `cargo xtask bench vrids`: VRRP beside keepalived.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use lb_tests::netns::is_root;
use lb_tests::vrrp_bench::{self, Failover, Implementation, Kind, Lines};

/// Measures lvx and keepalived in the same lab with the same settings.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// How long the virtual address does not answer when its master goes
    Failover {
        /// Rounds of each case and implementation
        #[arg(long, default_value_t = 20)]
        runs: usize,
        /// Only these advertisement intervals
        #[arg(long, value_parser = interval, default_values = ["1s", "100ms", "10ms"])]
        advert: Vec<Duration>,
        /// Only these ways to go
        #[arg(long, default_values = ["kill", "link", "stop"])]
        kind: Vec<Kind>,
        /// Write the rounds into this file as they come, a JSON object per line
        #[arg(long, value_name = "FILE")]
        lines: Option<PathBuf>,
        /// Go on where the run that wrote the file ended
        #[arg(long, requires = "lines")]
        resume: bool,
        /// Write the table into this Markdown file, between its markers
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
    /// What 255 virtual routers on one interface cost, and how late they are
    Vrids {
        /// Seconds for each implementation
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Write the table into this Markdown file, between its markers
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(is_root(), "network namespaces need root");
    let lvx =
        std::env::var_os("LVX_BIN").context("LVX_BIN is not set; `cargo xtask bench` does")?;
    let lvx = PathBuf::from(lvx);
    let (name, text, file) = match arguments.what {
        What::Failover {
            runs,
            advert,
            kind,
            lines,
            resume,
            write,
        } => {
            let mut lines = Lines::open(lines.as_deref(), resume)?;
            let mut scheduling = Vec::new();
            for advert in advert {
                let mut rigs = Vec::new();
                for implementation in Implementation::ALL {
                    let mut rig = Failover::new(&lvx, implementation, advert)?;
                    scheduling.push(format!("{implementation} {}", rig.scheduling()));
                    rigs.push(rig);
                }
                vrrp_bench::compare(&mut rigs, &kind, runs, &mut lines)?;
            }
            scheduling.sort_unstable();
            scheduling.dedup();
            let text = format!(
                "Kernel {}; VRRP threads: {}.\n\n{}",
                kernel()?,
                scheduling.join(", "),
                vrrp_bench::table(&lines)
            );
            ("failover", text, write)
        }
        What::Vrids { seconds, write } => {
            let table = vrrp_bench::vrids(&lvx, Duration::from_secs(seconds))?;
            ("vrids", format!("Kernel {}.\n\n{table}", kernel()?), write)
        }
    };
    if let Some(file) = file {
        vrrp_bench::write(name, &text, &file)?;
    }
    #[expect(clippy::print_stdout, reason = "the results are this program's output")]
    {
        println!("{text}");
    }
    Ok(())
}

fn kernel() -> Result<String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(release.trim().to_owned())
}

/// `10ms` or `1s`.
fn interval(text: &str) -> Result<Duration, String> {
    let parsed = match text.strip_suffix("ms") {
        Some(number) => number.parse().map(Duration::from_millis),
        None => text.trim_end_matches('s').parse().map(Duration::from_secs),
    };
    let interval = parsed.map_err(|_| format!("{text} is not a time such as 10ms or 1s"))?;
    if interval < Duration::from_millis(10) {
        return Err("VRRP advertises every 10ms at most".to_owned());
    }
    Ok(interval)
}
