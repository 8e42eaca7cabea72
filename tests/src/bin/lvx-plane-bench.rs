//! `cargo xtask vm --bench`: instructions per packet of kernel IPVS and of our XDP program.

use anyhow::{Context, Result};
use clap::Parser;
use lb_tests::plane_bench;

/// Prints the figures as one line of JSON. In a machine whose clock counts instructions they are
/// instructions, else nanoseconds.
#[derive(Parser)]
struct Arguments {
    /// Turns of all directors
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Packets in each turn
    #[arg(long, default_value_t = 50_000)]
    packets: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let figures = plane_bench::run(arguments.rounds, arguments.packets);
    let figures = figures.context("the benchmark of the planes")?;
    #[expect(clippy::print_stdout, reason = "the results are this program's output")]
    {
        println!("{figures}");
    }
    Ok(())
}
