//! One probe under way: what it is about, and until when.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::config::{Check, Probe};
use crate::events::Journal;
use crate::script::Runner;

use super::Subject;
use super::end::Ends;
use super::failure::{Failure, Wait};
use super::tls::Clients;
use super::turns::Turns;
use super::via::Through;

/// Scripts of checks that run at once: some that hang leave turns to the others.
const SCRIPTS: usize = 256;

/// What all checks share.
pub(super) struct Tools {
    pub(super) tls: Clients,
    pub(super) scripts: Runner,
    pub(super) through: Through,
    /// For what the operator is told besides verdicts.
    pub(super) journal: Journal,
    pub(super) turns: Turns,
    pub(super) ends: Arc<Ends>,
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            tls: Clients::default(),
            scripts: Runner::new(SCRIPTS),
            through: Through::default(),
            journal: Journal::default(),
            turns: Turns::default(),
            ends: Arc::default(),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) subject: &'a Subject,
    pub(super) probe: &'a Probe,
    pub(super) tools: &'a Tools,
    /// The virtual address that the server is asked for, if not its own.
    pub(super) vip: Option<IpAddr>,
    limit: Duration,
    deadline: Instant,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(subject: &'a Subject, check: &'a Check, tools: &'a Tools) -> Self {
        Self {
            subject,
            probe: &check.probe,
            tools,
            vip: None,
            limit: check.timeout,
            deadline: Instant::now() + check.timeout,
        }
    }

    /// The same for another of the subject's probes.
    pub(super) const fn with(self, probe: &'a Probe) -> Self {
        Self {
            probe,
            vip: None,
            ..self
        }
    }

    /// The same through the virtual address.
    pub(super) const fn through(self, vip: IpAddr) -> Self {
        Self {
            vip: Some(vip),
            ..self
        }
    }

    /// The same with all of its time before it.
    pub(super) fn again(self) -> Self {
        Self {
            deadline: Instant::now() + self.limit,
            ..self
        }
    }

    /// The server, as others call it.
    pub(super) const fn server(&self) -> SocketAddr {
        SocketAddr::new(self.subject.real_server, self.probe.port)
    }

    /// What the server is asked for.
    pub(super) fn to(&self) -> SocketAddr {
        let peer = self.peer();
        self.vip
            .map_or(peer, |vip| SocketAddr::new(vip, peer.port()))
    }

    /// Where the packets go, as this host's stack sees it.
    pub(super) fn peer(&self) -> SocketAddr {
        let probe = self.probe;
        SocketAddr::new(
            probe.connect_address.unwrap_or(self.subject.real_server),
            probe.connect_port.unwrap_or(probe.port),
        )
    }

    /// # Errors
    /// The work was not done when the probe's time was over.
    pub(super) async fn within<T>(
        &self,
        wait: Wait,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let timed_out = |_| Failure::TimedOut {
            to: self.to(),
            limit: self.limit,
            wait,
        };
        timeout_at(self.deadline, work).await.map_err(timed_out)
    }

    /// Some work after the outcome, for which there is little time.
    pub(super) async fn shortly(&self, work: impl Future<Output = ()>) {
        const SHORT: Duration = Duration::from_millis(250);
        let end = self.deadline.min(Instant::now() + SHORT);
        // What is not done by then is not needed.
        let _ = timeout_at(end, work).await;
    }
}
