//! What a `check` says: how it is found out whether a service's real servers are healthy.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Script, When};

mod http;
mod pattern;
mod query;
mod via;

pub use http::{BodyWanted, Http, HttpVersion, Tls, Url};
pub use pattern::{Hex, Pattern, ReplyWanted, Unlike, has};
pub use query::{Dns, Grpc, Redis, Role, Smtp, Udp};
pub use via::Via;

/// Health check of a service's real servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub probe: Probe,
    /// Time between the starts of two probes, at least 10 ms.
    pub interval: Duration,
    /// A probe without an answer by then has failed; at most `interval`.
    pub timeout: Duration,
    /// Successes in a row that make a server that is down come up, at least 1.
    pub rise: u8,
    /// Failures in a row that make a server that is up go down, at least 1.
    pub fall: u8,
    /// Part of the interval, in percent 0–50, by which each pause is varied at random.
    pub jitter: u8,
    /// Clients that get no answer make it probe at once.
    pub passive: bool,
    pub when: When,
}

/// One question to a real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub kind: CheckKind,
    /// The server's port; 0 only where the kind connects to none.
    pub port: u16,
    /// Where the connection goes instead of the server's address.
    pub connect_address: Option<IpAddr>,
    /// Where the connection goes instead of `port`; never 0.
    pub connect_port: Option<u16>,
    pub origin: Origin,
    pub via: Via,
}

/// Where a probe comes from; what is `None` is left to the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Of the family of the address that it goes to.
    pub source: Option<IpAddr>,
    /// Packets go through it, whatever the routes say.
    pub interface: Option<String>,
    /// For rules of the routing or of the firewall.
    pub mark: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// Up when a connection opens.
    Tcp {
        /// It is ended by a reset, which is short, but which servers may log.
        reset: bool,
    },
    Http(Box<Http>),
    Udp(Box<Udp>),
    Dns(Box<Dns>),
    Smtp(Box<Smtp>),
    /// ICMP echo.
    Ping,
    Grpc(Box<Grpc>),
    Redis(Box<Redis>),
    Script(Box<Script>),
    File(Box<FileCheck>),
    /// Up when all are.
    All(Vec<Probe>),
    /// Up when one is.
    Any(Vec<Probe>),
}

/// A number in a file of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// `{service}`, `{server}` and `{port}` in it stand for the real server's.
    pub path: PathBuf,
    /// The number times this is added to the real server's weight; `None`: 0 is up, all else down.
    pub factor: Option<i32>,
}

impl CheckKind {
    /// As the file writes it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Http(http) if http.tls.is_some() => "https",
            Self::Http(_) => "http",
            Self::Udp(_) => "udp",
            Self::Dns(_) => "dns",
            Self::Smtp(_) => "smtp",
            Self::Ping => "ping",
            Self::Grpc(_) => "grpc",
            Self::Redis(_) => "redis",
            Self::Script(_) => "script",
            Self::File(_) => "file",
            Self::All(_) => "all",
            Self::Any(_) => "any",
        }
    }

    /// Of this check itself, not of those in it.
    #[must_use]
    pub const fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Http(http) => http.tls.as_ref(),
            Self::Smtp(smtp) => smtp.tls.as_ref(),
            Self::Grpc(grpc) => grpc.tls.as_ref(),
            Self::Tcp { .. }
            | Self::Udp(_)
            | Self::Dns(_)
            | Self::Ping
            | Self::Redis(_)
            | Self::Script(_)
            | Self::File(_)
            | Self::All(_)
            | Self::Any(_) => None,
        }
    }
}

impl Probe {
    /// The probe itself, or those in an `all` or `any`.
    pub fn leaves(&self) -> Vec<&Self> {
        match &self.kind {
            CheckKind::All(parts) | CheckKind::Any(parts) => {
                parts.iter().flat_map(Self::leaves).collect()
            }
            CheckKind::Tcp { .. }
            | CheckKind::Http(_)
            | CheckKind::Udp(_)
            | CheckKind::Dns(_)
            | CheckKind::Smtp(_)
            | CheckKind::Ping
            | CheckKind::Grpc(_)
            | CheckKind::Redis(_)
            | CheckKind::Script(_)
            | CheckKind::File(_) => vec![self],
        }
    }
}

impl Check {
    /// What the operator shall not overlook, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let leaves = self.probe.leaves();
        let unverified = leaves
            .into_iter()
            .filter(|probe| probe.kind.tls().is_some_and(|tls| !tls.verify));
        let warning = |probe: &Probe| {
            format!(
                "its {} check does not verify certificates (`verify = false`): whoever answers in \
                 a server's place passes for it",
                probe.kind.name()
            )
        };
        let mut warnings: Vec<String> = unverified.map(warning).collect();
        warnings.dedup();
        warnings
    }
}
