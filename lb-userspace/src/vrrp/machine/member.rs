//! A machine as the member of a sync group: what only [`crate::vrrp::group`] asks of it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::backup::Backup;
use super::{Cause, Effect, Machine, Phase};

impl Machine {
    /// Whether it is in a sync group from now on. One that leaves its group goes on alone, at once.
    pub fn set_grouped(&mut self, grouped: bool, now: Instant) -> Vec<Effect> {
        self.grouped = grouped;
        if grouped {
            return Vec::new();
        }
        if self.is_ready() {
            return self.lead(now);
        }
        if self.willing {
            return self.begin(now);
        }
        Vec::new()
    }

    /// It shall take part, whether it does or not.
    pub(in crate::vrrp) fn is_willing(&self) -> bool {
        self.willing
    }

    /// It would be MASTER by now, were it alone.
    pub(in crate::vrrp) fn is_ready(&self) -> bool {
        match &self.phase {
            Phase::Backup(backup) => backup.ready().is_some(),
            Phase::Master(_) => true,
            Phase::Initialize { .. } | Phase::Fault { .. } => false,
        }
    }

    pub(in crate::vrrp) fn address(&self) -> IpAddr {
        self.settings.address
    }

    pub(in crate::vrrp) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// All members take part: so does this one.
    pub(in crate::vrrp) fn join(&mut self, now: Instant) -> Vec<Effect> {
        self.begin(now)
    }

    /// All members are ready: this one becomes MASTER for the reason that made it ready.
    pub(in crate::vrrp) fn lead(&mut self, now: Instant) -> Vec<Effect> {
        match &self.phase {
            Phase::Backup(backup) => match backup.ready() {
                Some(cause) => self.become_master(cause, now),
                None => Vec::new(),
            },
            Phase::Initialize { .. } | Phase::Fault { .. } | Phase::Master(_) => Vec::new(),
        }
    }

    /// Another member is not ready: a MASTER gives way, and waits `backoff` longer than usual.
    pub(in crate::vrrp) fn step_back(
        &mut self,
        cause: Cause,
        backoff: Duration,
        now: Instant,
    ) -> Vec<Effect> {
        match self.phase {
            Phase::Master(_) => {
                let backup = Backup::with_backoff(now, backoff);
                self.leave(Phase::Backup(backup), cause, now)
            }
            Phase::Initialize { .. } | Phase::Fault { .. } | Phase::Backup(_) => Vec::new(),
        }
    }

    /// Another member takes no part: nor does this one, until [`Self::join`].
    pub(in crate::vrrp) fn stay_out(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        self.enter_fault(cause, now)
    }
}
