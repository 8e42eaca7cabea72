//! What a director in BACKUP knows of the master, and how long it waits for it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Cause, Settings};
use crate::config::Version;
use crate::vrrp::packet::Advertisement;

#[derive(Debug, Clone)]
pub(super) struct Backup {
    /// When the RFC's Active_Down_Timer was last set; the deadline follows from the settings, so
    /// that changing those moves it.
    pub(super) timer_set: Instant,
    /// The RFC's Active_Adver_Interval, once a master has told it.
    learned_interval: Option<Duration>,
    leader: Option<IpAddr>,
    /// Who gave up with priority 0 since the timer was set: only the skew time is left then.
    pub(super) resigned: Option<IpAddr>,
    /// Who advertised less than our priority, to be preempted.
    pub(super) outranked: Option<(IpAddr, u8)>,
}

impl Backup {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            timer_set: now,
            learned_interval: None,
            leader: None,
            resigned: None,
            outranked: None,
        }
    }

    pub(super) fn deadline(&self, settings: &Settings) -> Instant {
        let interval = self.learned_interval.unwrap_or(settings.interval);
        let skew = skew_time(settings, interval);
        let span = match self.resigned {
            Some(_) => skew,
            None => 3 * interval + skew,
        };
        self.timer_set + span
    }

    /// Why the deadline passed.
    pub(super) fn expiry(&self) -> Cause {
        match (self.resigned, self.outranked, self.leader) {
            (Some(source), _, _) => Cause::MasterResigned { source },
            (None, Some((source, priority)), _) => Cause::Preempted { source, priority },
            (None, None, leader) => Cause::MasterSilent { leader },
        }
    }

    /// Follows the sender of an advertisement. Returns whether that is news.
    pub(super) fn follow(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        now: Instant,
    ) -> bool {
        self.timer_set = now;
        self.learned_interval = match advertisement.version {
            // Version 2 lets in nothing but our own interval.
            Version::V2 => None,
            Version::V3 => Some(advertisement.interval),
        };
        self.resigned = None;
        self.outranked = None;
        self.leader.replace(source) != Some(source)
    }
}

/// The RFCs' Skew_Time, to the nanosecond: the lower the priority the longer the wait.
pub(super) fn skew_time(settings: &Settings, active_interval: Duration) -> Duration {
    let unit = match settings.version {
        // RFC 3768 section 6.1 counts in seconds, whatever the interval.
        Version::V2 => Duration::from_secs(1),
        Version::V3 => active_interval,
    };
    unit * (256 - u32::from(settings.priority.get())) / 256
}
