//! Orders about a real server.

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::api::shape::{Drained, Ordered, Request};
use crate::config;

use super::{Daemon, ask};

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Give a real server no packets at all: its connections break
    ///
    /// `lvx drain` is the gentle way: clients keep the connections that they have. A server that is
    /// disabled stays so until `lvx enable`, whatever its check says and however often the daemon
    /// or the host is started. It is this director's alone: do it on both of a pair.
    Disable {
        #[command(flatten)]
        server: Server,
        /// Why, shown in `lvx status`
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Give a real server clients again after `disable` or `drain`
    Enable {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Give a real server no more clients; those that it has stay
    Drain {
        #[command(flatten)]
        server: Server,
        /// After that it gets no packets at all, like "10m"; by default the service's
        /// `drain_deadline`
        #[arg(long, value_name = "TIME", value_parser = config::drain_deadline)]
        deadline: Option<Duration>,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Give a real server clients again after `drain`
    Undrain {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Give a real server a weight, whatever the configuration and its check say
    ///
    /// It stands until `--clear`, however often the daemon or the host is started. With 0 it gets
    /// no more clients, and keeps those that it has.
    Weight {
        #[command(flatten)]
        server: Server,
        /// 0 to 65535
        #[arg(value_name = "N", required_unless_present = "clear")]
        weight: Option<u16>,
        /// End what an earlier `weight` did
        #[arg(long, conflicts_with = "weight")]
        clear: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
}

#[derive(Args)]
pub(super) struct Server {
    /// Name of the service
    service: String,
    /// Address of the real server
    server: IpAddr,
}

pub(super) fn run(verb: Verb) -> ExitCode {
    let (daemon, request) = match verb {
        Verb::Disable {
            server: Server { service, server },
            reason,
            daemon,
        } => {
            let request = Request::Disable {
                service,
                server,
                reason,
            };
            (daemon, request)
        }
        Verb::Enable {
            server: Server { service, server },
            daemon,
        } => (daemon, Request::Enable { service, server }),
        Verb::Drain {
            server: Server { service, server },
            deadline,
            daemon,
        } => {
            let request = Request::Drain {
                service,
                server,
                deadline: deadline.map(|deadline| deadline.as_secs()),
            };
            (daemon, request)
        }
        Verb::Undrain {
            server: Server { service, server },
            daemon,
        } => (daemon, Request::Undrain { service, server }),
        Verb::Weight {
            server: Server { service, server },
            weight,
            clear: _,
            daemon,
        } => {
            let request = Request::Weight {
                service,
                server,
                weight,
            };
            (daemon, request)
        }
    };
    ask(&daemon, &request, false)
}

pub(super) fn drained(drained: &Drained) -> String {
    let text = match drained.deadline {
        None => "gets no new clients; its connections may stay".to_owned(),
        Some(seconds) => {
            let time = config::show_duration(Duration::from_secs(seconds));
            format!("gets no new clients, and no packets after {time}")
        }
    };
    text + &before(drained.replaced.as_deref())
}

pub(super) fn ordered(ordered: &Ordered) -> String {
    let before = before(ordered.replaced.as_deref());
    format!("{}{before}", ordered.text)
}

fn before(replaced: Option<&str>) -> String {
    replaced.map_or_else(String::new, |what| format!("; before, it was {what}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn a_drain_tells_its_deadline_and_what_was_before() {
        let text = |deadline, replaced: Option<&str>| {
            drained(&Drained {
                deadline,
                replaced: replaced.map(str::to_owned),
            })
        };
        assert!(text(None, None).ends_with("its connections may stay"));
        assert!(text(Some(600), None).ends_with("no packets after 10m"));
        assert!(text(None, Some("disabled (x)")).ends_with("stay; before, it was disabled (x)"));
    }

    #[test]
    fn weight_takes_a_number_or_clear() {
        for (arguments, right) in [
            ("lvx weight web 192.0.2.21 0", true),
            ("lvx weight web 192.0.2.21 65535", true),
            ("lvx weight web 192.0.2.21 --clear", true),
            ("lvx weight web 192.0.2.21", false),
            ("lvx weight web 192.0.2.21 5 --clear", false),
            ("lvx weight web 192.0.2.21 65536", false),
            ("lvx weight web 192.0.2.21 -1", false),
            ("lvx disable web 192.0.2.21 --reason kernel", true),
            ("lvx disable web", false),
            ("lvx enable web 192.0.2.21", true),
            ("lvx status --history", true),
            ("lvx status --history web", true),
            ("lvx status --json --history web 192.0.2.21", true),
            ("lvx status web", false),
        ] {
            let parsed = Cli::try_parse_from(arguments.split(' '));
            assert_eq!(parsed.is_ok(), right, "{arguments}");
        }
    }
}
