//! The main job in network namespaces: one line per point, exit 0 only if all of them held.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use lb_tests::client::{TIMEOUT, get};
use lb_tests::lab::topology::VIP;
use lb_tests::lab::{Lab, Programs, WEB_PORT, sweep};
use lb_tests::netns::is_root;
use lb_tests::steps::{self, SERVERS};
use lb_tests::wait::check_interrupted;

/// Shows lvx at work between hosts in network namespaces. Needs root; LVX_BIN and LVX_NGINX name
/// the programs, and `cargo xtask demo` sets them.
#[derive(Parser)]
struct Arguments {
    /// Leave the lab up and print how to look at it.
    #[arg(long)]
    keep: bool,
    /// Only remove labs that were left up.
    #[arg(long, conflicts_with = "keep")]
    clean: bool,
    #[command(subcommand)]
    command: Option<Part>,
}

#[derive(Subcommand)]
enum Part {
    /// One request through the VIP, in the client's namespace of a lab.
    Request {
        #[arg(long)]
        from: Ipv4Addr,
    },
    /// What a lab starts this program for.
    #[command(hide = true)]
    EchoServer {
        #[arg(long)]
        name: String,
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Part::EchoServer { name, listen }) => {
            lb_tests::echo::serve(listen, &name).map(|()| true)
        }
        Some(Part::Request { from }) => request(from).map(|()| true),
        None if arguments.clean => clean().map(|()| true),
        None => demo(arguments.keep),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lvx-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer")]
fn request(from: Ipv4Addr) -> Result<()> {
    println!(
        "{}",
        get(from, SocketAddrV4::new(VIP, WEB_PORT), TIMEOUT)?.server
    );
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the demo's output")]
fn clean() -> Result<()> {
    for name in sweep(true)? {
        println!("removed the lab {name}");
    }
    Ok(())
}

/// Whether all points held.
#[expect(clippy::print_stdout, reason = "the demo's output")]
fn demo(keep: bool) -> Result<bool> {
    ensure!(is_root(), "network namespaces need root");
    clean()?;
    let programs = Programs::from_environment(&std::env::current_exe()?)?;
    println!("client (300 addresses) - switch - lb1, lb2 (lvx) - rs1, rs2, rs3 (nginx)");
    let mut lab = Some(new_lab(&programs)?);
    let mut all_hold = true;
    for step in steps::ALL {
        // After a failure nobody knows the lab's state: the next step gets a new one.
        let mut current = match lab.take() {
            Some(lab) => lab,
            None => new_lab(&programs)?,
        };
        let outcomes = step(&mut current);
        check_interrupted()?;
        for outcome in &outcomes {
            println!("{outcome}");
        }
        let holds = outcomes.iter().all(|outcome| outcome.result.is_ok());
        if !holds {
            all_hold = false;
            eprintln!("{}", current.explain());
        }
        if holds || keep {
            lab = Some(current);
        }
        if keep && !holds {
            println!("stopped here to keep the lab as it is");
            break;
        }
    }
    if let (Some(lab), true) = (lab, keep) {
        println!("\n{}", lab.keep()?);
    }
    println!(
        "{}",
        if all_hold {
            "all points hold"
        } else {
            "NOT all points hold"
        }
    );
    Ok(all_hold)
}

fn new_lab(programs: &Programs) -> Result<Lab> {
    Lab::with_daemons(programs.clone(), SERVERS + 1, SERVERS)
}
