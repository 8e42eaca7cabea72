//! What a director in BACKUP knows of the master, and how long it waits for it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Cause, RESIGN, Settings, down_time, skew_time};
use crate::config::{Preempt, Version};
use crate::vrrp::packet::Advertisement;

/// A timer that is later than this, and than an interval, did not come late by itself: the
/// program was not scheduled. Longer than what an idle system makes of a timer.
const LATE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone)]
pub(super) struct Backup {
    /// When the RFC's Active_Down_Timer was last set; the deadline follows from the settings, so
    /// that changing those moves it.
    timer_set: Instant,
    /// The RFC's Active_Adver_Interval, once a master has told it.
    learned_interval: Option<Duration>,
    leader: Option<IpAddr>,
    /// Who gave up with priority 0 since the timer was set: only the skew time is left then.
    resigned: Option<IpAddr>,
    /// Who advertised less than our priority, to be preempted.
    outranked: Option<(IpAddr, u8)>,
    /// Since when only masters of lower priority are heard.
    lower_since: Option<Instant>,
    /// Waited in addition, as long as nobody leads: see [`crate::vrrp::group`].
    backoff: Duration,
    /// Set once this program has overslept: the end of the second wait, which is the last.
    second_wait: Option<Instant>,
    overslept: bool,
    ready: Option<Ready>,
}

/// Why a member of a group could be MASTER, and waits for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Owner,
    Expired,
}

/// What [`Backup::tick`] finds.
pub(super) enum Expiry {
    None,
    Overslept(Duration),
    Due(Cause),
}

impl Backup {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            timer_set: now,
            learned_interval: None,
            leader: None,
            resigned: None,
            outranked: None,
            lower_since: None,
            backoff: Duration::ZERO,
            second_wait: None,
            overslept: false,
            ready: None,
        }
    }

    pub(super) fn with_backoff(now: Instant, backoff: Duration) -> Self {
        Self {
            backoff,
            ..Self::new(now)
        }
    }

    pub(super) fn next_timeout(&self, settings: &Settings) -> Option<Instant> {
        self.ready.is_none().then(|| self.deadline(settings))
    }

    /// Why it may become MASTER with its group, if it may.
    pub(super) fn ready(&self) -> Option<Cause> {
        self.ready.map(|ready| match ready {
            Ready::Owner => Cause::Owner,
            // What was heard since counts, too.
            Ready::Expired => self.cause(),
        })
    }

    pub(super) fn wait_for_group(&mut self, ready: Ready) {
        self.ready = Some(ready);
    }

    fn interval(&self, settings: &Settings) -> Duration {
        self.learned_interval.unwrap_or(settings.interval)
    }

    fn deadline(&self, settings: &Settings) -> Instant {
        if let Some(until) = self.second_wait {
            return until;
        }
        let (version, priority) = (settings.version, settings.priority.get());
        let interval = self.interval(settings);
        let span = match self.resigned {
            Some(_) => skew_time(version, priority, interval),
            None => down_time(version, priority, interval),
        };
        self.timer_set + span + self.backoff
    }

    /// An advertisement that came in. Returns whether its sender is a new leader.
    pub(super) fn receive(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        settings: &Settings,
        yielding: bool,
        now: Instant,
    ) -> bool {
        let priority = advertisement.priority;
        if priority == RESIGN {
            self.timer_set = now;
            self.resigned = Some(source);
            self.second_wait = None;
            return false;
        }
        let lower = priority < settings.priority.get();
        if !lower {
            self.lower_since = None;
        }
        if lower {
            let since = *self.lower_since.get_or_insert(now);
            let preempts = match settings.preempt {
                Preempt::Always => true,
                Preempt::Never => settings.owner,
                Preempt::After(delay) => settings.owner || now >= since + delay,
            };
            if preempts && !yielding {
                self.outranked = Some((source, priority));
                return false;
            }
        }
        self.follow(advertisement, source, now)
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
        self.backoff = Duration::ZERO;
        self.second_wait = None;
        self.overslept = false;
        self.ready = None;
        self.leader.replace(source) != Some(source)
    }

    pub(super) fn tick(&mut self, settings: &Settings, now: Instant) -> Expiry {
        let deadline = self.deadline(settings);
        if self.ready.is_some() || now < deadline {
            return Expiry::None;
        }
        let interval = self.interval(settings);
        let late = now - deadline;
        // What a master sent meanwhile may have been lost with a full buffer, or the master may
        // have been stopped as we were, by the same host. One more interval shows; a second
        // oversleeping counts as silence, or a loaded machine would never take over.
        if late > interval.max(LATE) && !self.overslept {
            self.overslept = true;
            let skew = skew_time(settings.version, settings.priority.get(), interval);
            self.second_wait = Some(now + interval + skew);
            return Expiry::Overslept(late);
        }
        Expiry::Due(self.cause())
    }

    /// Why the timer ran out.
    fn cause(&self) -> Cause {
        match (self.resigned, self.outranked, self.leader) {
            (Some(source), _, _) => Cause::MasterResigned { source },
            (None, Some((source, priority)), _) => Cause::Preempted { source, priority },
            (None, None, leader) => Cause::MasterSilent { leader },
        }
    }
}
