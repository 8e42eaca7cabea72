//! The command line. Exit codes: 0 done, 1 the request failed, 2 wrong usage, 3 the daemon
//! cannot be reached.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::api::client;
use crate::api::shape::{Answer, PlaneName, Request};
use crate::config;
use crate::daemon;

mod cleanup;
mod end;
mod events;
mod history;
mod notify;
mod orders;
mod text;
mod time;
mod trace;
mod vrrp;

const FAILED: u8 = 1;
const UNREACHABLE: u8 = 3;

/// Layer-4 load balancer: XDP direct routing, VRRP and health checks in one daemon.
#[derive(Parser)]
#[command(name = "lvx", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the director in the foreground
    Run {
        /// Configuration file
        #[arg(short, long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Check a configuration file: exit 0 if it is right, else 1 with all errors on stderr
    Check {
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
    /// Remove what a daemon left that died: addresses, devices, its program on interfaces
    Cleanup {
        /// Configuration file that it ran with; by default the directories are the default ones
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The maps, too: connections that depend on records in them are not known any more
        #[arg(long)]
        all: bool,
    },
    /// Make the daemon read its configuration again; a wrong one changes nothing
    Reload {
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show what the daemon is doing
    Status {
        /// Print the documented JSON shape
        #[arg(long)]
        json: bool,
        /// The latest 100 changes of each real server's state, with cause and duration, instead
        #[arg(long)]
        history: bool,
        /// Of the real servers of this service alone
        #[arg(requires = "history")]
        service: Option<String>,
        /// Of this real server alone
        server: Option<IpAddr>,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Switch the data plane by hand, until the daemon ends
    Plane {
        plane: PlaneName,
        #[command(flatten)]
        daemon: Daemon,
    },
    #[command(flatten)]
    Order(orders::Verb),
    /// Tell which real server a client of a service is sent to
    Where {
        /// Name of the service
        service: String,
        /// Address of the client; with its port where that makes a difference
        #[arg(value_name = "CLIENT[:PORT]", value_parser = client)]
        client: Client,
        /// Print the documented JSON shape
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// VRRP instances: their state in detail, giving way, taking part again
    Vrrp {
        #[command(subcommand)]
        verb: vrrp::Verb,
    },
    /// Who is told of events: whether that works
    Notify {
        #[command(subcommand)]
        verb: notify::Verb,
    },
    /// Show what happened, and what happens
    Events {
        #[command(flatten)]
        wanted: events::Wanted,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Show packets as they are decided about, until Ctrl-C
    Trace {
        #[command(flatten)]
        wanted: trace::Wanted,
        #[command(flatten)]
        daemon: Daemon,
    },
}

#[derive(Args)]
struct Daemon {
    /// Control socket of the daemon: `<runtime_dir>/lvx.sock`
    #[arg(long, value_name = "PATH", default_value = "/run/lvx/lvx.sock")]
    socket: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Client {
    address: IpAddr,
    port: Option<u16>,
}

fn client(text: &str) -> Result<Client, String> {
    let alone = text.parse().map(|address| Client {
        address,
        port: None,
    });
    let with_port = || {
        text.parse::<SocketAddr>().map(|address| Client {
            address: address.ip(),
            port: Some(address.port()),
        })
    };
    alone
        .or_else(|_| with_port())
        .map_err(|_| "expected an address such as 198.51.100.7 or 198.51.100.7:40000".to_owned())
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().verb {
        Verb::Run { config } => run(&config),
        Verb::Check { config } => check(&config),
        Verb::Cleanup { config, all } => cleanup::run(config.as_deref(), all),
        Verb::Reload { daemon } => ask(&daemon, &Request::Reload, false),
        Verb::Status {
            json,
            history,
            service,
            server,
            daemon,
        } => {
            let request = if history {
                Request::History { service, server }
            } else {
                Request::Status
            };
            ask(&daemon, &request, json)
        }
        Verb::Plane { plane, daemon } => ask(&daemon, &Request::Plane { plane }, false),
        Verb::Where {
            service,
            client,
            json,
            daemon,
        } => {
            let Client {
                address: client,
                port,
            } = client;
            let request = Request::Where {
                service,
                client,
                port,
            };
            ask(&daemon, &request, json)
        }
        Verb::Order(verb) => orders::run(verb),
        Verb::Vrrp { verb } => vrrp::run(verb),
        Verb::Notify { verb } => notify::run(verb),
        Verb::Events { wanted, daemon } => events::run(&daemon.socket, &wanted),
        Verb::Trace { wanted, daemon } => trace::run(&daemon.socket, wanted),
    }
}

fn run(config: &Path) -> ExitCode {
    let filter = EnvFilter::try_from_env("LVX_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    log.with_target(false)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &format!("cannot start: {error}")),
    };
    let ended = runtime.block_on(daemon::run(config));
    // A name server that does not answer keeps a thread waiting: the end does not wait for it.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILED, &error.to_string()),
    }
}

fn check(path: &Path) -> ExitCode {
    match config::load(path) {
        Ok(_) => ExitCode::SUCCESS,
        Err(errors) => fail(FAILED, &errors.to_string()),
    }
}

fn ask(daemon: &Daemon, request: &Request, json: bool) -> ExitCode {
    let answer = match client::ask(&daemon.socket, request) {
        Ok(answer) => answer,
        Err(error) => {
            return fail(UNREACHABLE, &unreachable(&daemon.socket, &error));
        }
    };
    let text = match (&answer, json) {
        (Answer::Error(error), _) => return fail(FAILED, error),
        (Answer::Status(status), true) => serde_json::to_string_pretty(status),
        (Answer::Where(found), true) => serde_json::to_string_pretty(found),
        (Answer::Status(status), false) => Ok(text::status(status)),
        (Answer::Where(found), false) => Ok(text::found(found)),
        (Answer::History(history), true) => serde_json::to_string_pretty(history),
        (Answer::History(history), false) => Ok(history::text(history)),
        (Answer::Drained(drained), _) => Ok(orders::drained(drained)),
        (Answer::Ordered(ordered), _) => Ok(orders::ordered(ordered)),
        (Answer::Undrained, _) => Ok("gets clients again".to_owned()),
        // Answers to what other commands ask by themselves.
        (
            Answer::TraceStarted(_)
            | Answer::Traced(_)
            | Answer::TraceStopped
            | Answer::Events(_)
            | Answer::Resigning(_)
            | Answer::Claimed
            | Answer::NotifyTest(_)
            | Answer::NotifyTested(_),
            _,
        ) => Ok(String::new()),
        (Answer::Switched, _) => Ok("switched".to_owned()),
        (Answer::Reloaded(reloaded), _) => Ok(text::reloaded(*reloaded).to_owned()),
    };
    match text {
        Ok(text) => print(&text),
        Err(error) => fail(FAILED, &error.to_string()),
    }
}

fn unreachable(socket: &Path, error: &io::Error) -> String {
    let socket = socket.display();
    format!(
        "cannot reach the daemon at {socket}: {error}\n  = help: is it running, and is --socket \
         its <runtime_dir>/lvx.sock?"
    )
}

fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        // A reader that has seen enough is none of our business.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(FAILED, &format!("cannot write: {error}"))
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn fail(code: u8, text: &str) -> ExitCode {
    // Nothing is left to be done if stderr is closed.
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn clients_may_have_a_port() {
        for (text, address, port) in [
            ("198.51.100.7", "198.51.100.7", None),
            ("198.51.100.7:40000", "198.51.100.7", Some(40_000)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]:40000", "2001:db8::1", Some(40_000)),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(client(text), Ok(Client { address, port }));
        }
        assert!(client("web").is_err());
    }
}
