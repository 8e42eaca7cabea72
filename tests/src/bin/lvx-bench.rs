//! `cargo xtask bench`: nanoseconds per packet of the XDP program beside the bare program.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use lb_tests::bench;

/// Measures the packet path by BPF_PROG_TEST_RUN through a feeder program.
#[derive(Parser)]
struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Interleaved runs of each case
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// Write the results into this Markdown file, between its markers
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let report = bench::run(arguments.runs).context("the benchmark")?;
    if let Some(path) = &arguments.write {
        bench::write(&report, path)?;
    }
    let text = if arguments.json {
        serde_json::to_string_pretty(&report.json())?
    } else {
        report.table()
    };
    #[expect(clippy::print_stdout, reason = "the results are this program's output")]
    {
        println!("{text}");
    }
    Ok(())
}
