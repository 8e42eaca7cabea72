//! Through the virtual address: whether a probe can go there, and what its answer means.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Probe;
use crate::dataplane::probe::Cookies;

use super::attempt::Attempt;
use super::failure::{Failure, Refusal, Wait};
use super::outcome::Outcome;
use super::probe::once;
use super::{Checks, Subject};

/// A check does not wait longer to learn whether its server can be asked for a virtual address.
const PATIENCE: Duration = Duration::from_secs(2);

/// How a real server can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// For the virtual address, too.
    Open,
    /// For its own address alone.
    Closed,
}

/// What the daemon knows of the ways to real servers.
#[derive(Debug, Clone, Default)]
pub struct Ways {
    /// Those that are not here are not known yet.
    pub servers: BTreeMap<IpAddr, Way>,
    /// Names of the interfaces through which the way is open.
    pub interfaces: BTreeSet<String>,
    /// What tells the programs about sockets; `None`: there are no programs.
    pub cookies: Option<Arc<Cookies>>,
}

impl Ways {
    /// `None`: not known yet.
    fn of(&self, server: IpAddr, probe: &Probe) -> Option<Way> {
        match &probe.origin.interface {
            Some(name) if self.interfaces.contains(name) => Some(Way::Open),
            Some(_) => Some(Way::Closed),
            None => self.servers.get(&server).copied(),
        }
    }
}

impl<T> Checks<T> {
    /// Lets probes go through virtual addresses wherever there is a way.
    pub fn open(&self, ways: Ways) {
        self.tools.through.ways.send_replace(Some(ways));
    }
}

/// What all checks know of the ways; nothing where nobody looks for them.
pub(super) struct Through {
    ways: watch::Sender<Option<Ways>>,
}

impl Default for Through {
    fn default() -> Self {
        Self {
            ways: watch::Sender::new(None),
        }
    }
}

impl Through {
    /// Before the first probe, which decides by itself: waits until it is known how a server can
    /// be asked.
    pub(super) async fn wait(&self, subject: &Subject, probe: &Probe) {
        let server = subject.real_server;
        let known = |ways: &Option<Ways>| {
            ways.as_ref().is_none_or(|ways| {
                probe
                    .through_vip()
                    .all(|one| ways.of(server, one).is_some())
            })
        };
        let mut ways = self.ways.subscribe();
        // Without that knowledge it is asked for its own address.
        let _ = timeout(PATIENCE, ways.wait_for(known)).await;
    }

    /// Lets the packets of a socket go through the virtual address.
    pub(super) fn ask(&self, cookie: u64, vip: IpAddr) -> io::Result<()> {
        let cookies = self
            .ways
            .borrow()
            .as_ref()
            .and_then(|ways| ways.cookies.clone());
        cookies
            .ok_or_else(|| io::Error::other("the programs for it are not there"))?
            .ask(cookie, vip)
    }
}

impl Through {
    /// Whether the programs are where the daemon put them; else a failure is this host's.
    fn is_whole(&self) -> bool {
        let ways = self.ways.borrow();
        let cookies = ways.as_ref().and_then(|ways| ways.cookies.as_ref());
        cookies.is_some_and(|cookies| cookies.are_all_there())
    }
}

/// Whether the server of this probe can be asked for a virtual address.
pub(super) fn is_open(attempt: &Attempt<'_>) -> bool {
    let ways = attempt.tools.through.ways.borrow();
    let way = ways
        .as_ref()
        .and_then(|ways| ways.of(attempt.subject.real_server, attempt.probe));
    way == Some(Way::Open)
}

/// Asks for the virtual address.
pub(super) async fn alone(attempt: Attempt<'_>, vip: IpAddr) -> Outcome {
    match once(attempt.through(vip)).await {
        // Not the server's fault.
        Err(_) if !attempt.tools.through.is_whole() => once(attempt.again()).await,
        Err(Failure::Socket { .. }) => once(attempt.again()).await,
        Err(failure) => Err(told(ViaFault::Vip {
            vip,
            hint: hint(&failure),
            failure,
        })),
        good => good,
    }
}

/// Asks for both addresses at once.
pub(super) async fn both(attempt: Attempt<'_>, vip: IpAddr) -> Outcome {
    let (own, through) = join(once(attempt), once(attempt.through(vip))).await;
    if through.is_err() && !attempt.tools.through.is_whole() {
        return own;
    }
    judge(vip, own, through)
}

fn judge(vip: IpAddr, own: Outcome, through: Outcome) -> Outcome {
    match (own, through) {
        // Not the server's fault.
        (own, Err(Failure::Socket { .. })) => own,
        (Ok(own), Ok(through)) => Ok(own.and(through)),
        (Err(own), Err(_)) => Err(own),
        (Ok(_), Err(failure)) => Err(told(ViaFault::OwnAlone {
            vip,
            hint: hint(&failure),
            failure,
        })),
        (Err(failure), Ok(_)) => Err(told(ViaFault::VipAlone { vip, failure })),
    }
}

fn told(fault: ViaFault) -> Failure {
    Failure::Via(Box::new(fault))
}

/// One address answers, and the other does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ViaFault {
    #[error("answers on its own address, but not for {vip}: {hint} ({failure})")]
    OwnAlone {
        vip: IpAddr,
        hint: &'static str,
        failure: Failure,
    },
    #[error(
        "answers for {vip}, but not on its own address: `via = \"vip\"` checks only what clients \
         use ({failure})"
    )]
    VipAlone { vip: IpAddr, failure: Failure },
    /// Its own address was not asked for.
    #[error("does not answer for {vip}: {hint} ({failure})")]
    Vip {
        vip: IpAddr,
        hint: &'static str,
        failure: Failure,
    },
}

/// Where to look first.
const fn hint(failure: &Failure) -> &'static str {
    if let Failure::TimedOut {
        wait: Wait::Datagram,
        ..
    } = failure
    {
        return "is the VIP on its lo, and does the program answer from there?";
    }
    if let Failure::TimedOut {
        wait: Wait::Connection,
        ..
    }
    | Failure::Connect {
        fault: Refusal::Unreachable(_) | Refusal::NoPort | Refusal::Other(_),
        ..
    } = failure
    {
        return "is the VIP on its lo?";
    }
    if let Failure::Connect { .. } = failure {
        return "does the program listen on the VIP, too, and does no firewall reject it?";
    }
    "does the program do the same there?"
}

#[cfg(test)]
mod tests;
