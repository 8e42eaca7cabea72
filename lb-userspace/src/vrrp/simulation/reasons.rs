//! What an instance was told, kept apart from its machine: was there a reason to become MASTER?

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::Preempt;
use crate::vrrp::State;
use crate::vrrp::machine::{Cause, Settings};

#[derive(Default)]
pub(super) struct Reasons {
    /// Since when it has been in the election.
    since: Option<Instant>,
    /// The last advertisement of at least our priority, by whom.
    higher: HashMap<IpAddr, (Instant, Duration)>,
    lower: HashMap<IpAddr, (Instant, u8)>,
    resigned: HashMap<IpAddr, Instant>,
    /// Shortest interval that anybody told.
    shortest: Option<Duration>,
    pub(super) yielding: bool,
    /// The priority changed since: a member may have been ready with the old one.
    pub(super) changed: bool,
}

/// RFC 9568 section 6.1, in whole nanoseconds.
fn skew(priority: u8, interval: Duration) -> Duration {
    let nanos = interval.as_nanos() as u64;
    Duration::from_nanos(nanos * (256 - u64::from(priority)) / 256)
}

impl Reasons {
    pub(super) fn entered(&mut self, from: State, to: State, now: Instant) {
        if to == State::Master {
            self.yielding = false;
        }
        if to == State::Backup {
            self.since = Some(now);
            self.changed = false;
            // Whom it gave way to was heard just before.
            if from != State::Master {
                self.higher.clear();
                self.lower.clear();
                self.resigned.clear();
            }
        }
    }

    pub(super) fn heard(
        &mut self,
        source: IpAddr,
        priority: u8,
        interval: Duration,
        settings: &Settings,
        now: Instant,
    ) {
        let shortest = self.shortest.unwrap_or(settings.interval);
        self.shortest = Some(shortest.min(interval));
        if priority == 0 {
            self.resigned.insert(source, now);
        } else if priority >= settings.priority.get() {
            self.higher.insert(source, (now, interval));
        } else {
            self.lower.insert(source, (now, priority));
        }
    }

    /// # Errors
    /// What contradicts the cause.
    pub(super) fn check(
        &self,
        cause: &Cause,
        settings: &Settings,
        now: Instant,
    ) -> Result<(), String> {
        let own = settings.priority.get();
        let down = |interval: Duration| match self.changed {
            true => 3 * interval,
            false => 3 * interval + skew(own, interval),
        };
        let ensure = |holds: bool, otherwise: &str| {
            if holds {
                Ok(())
            } else {
                Err(otherwise.to_owned())
            }
        };
        if *cause == Cause::Owner {
            return ensure(settings.owner && !self.yielding, "it owns nothing");
        }
        // Whatever else the cause: nobody that goes before us was heard for three intervals, unless
        // somebody has given up since.
        // The interval that counts is the last one's that was followed, so at least the shortest.
        let interval = self.shortest.unwrap_or(settings.interval);
        for (source, &(at, _)) in &self.higher {
            let silence = now - at;
            let since = self.resigned.values().any(|&resigned| resigned >= at);
            let alone = since && silence >= skew(own, interval);
            let silent = silence >= 3 * interval;
            ensure(
                silent || alone,
                &format!("{source} was heard {silence:?} ago"),
            )?;
        }
        match cause {
            Cause::MasterSilent { leader: None } => {
                let waited = self.since.map(|since| now - since);
                let span = down(settings.interval);
                ensure(waited >= Some(span), "it has not waited for long enough")
            }
            Cause::MasterSilent {
                leader: Some(leader),
            } => {
                // One of lower priority that was followed is in the other table.
                match (self.higher.get(leader), self.lower.get(leader)) {
                    (Some(&(at, interval)), None) => {
                        ensure(now - at >= down(interval), "its master is not silent")
                    }
                    (_, Some(_)) => Ok(()),
                    (None, None) => Err(format!("{leader} was never heard")),
                }
            }
            Cause::MasterResigned { source } => {
                ensure(self.resigned.contains_key(source), "it did not resign")
            }
            Cause::Preempted { source, priority } => {
                let heard = self
                    .lower
                    .get(source)
                    .is_some_and(|&(_, last)| last == *priority);
                let may = settings.owner || settings.preempt != Preempt::Never;
                ensure(
                    heard && may && !self.yielding,
                    "nobody was heard that it may preempt",
                )
            }
            other @ (Cause::Started
            | Cause::Owner
            | Cause::HigherPriority { .. }
            | Cause::HigherAddress { .. }
            | Cause::TakenOver { .. }
            | Cause::Shutdown
            | Cause::NoPlane
            | Cause::Removed
            | Cause::Replaced
            | Cause::InterfaceLost
            | Cause::Tracked(_)
            | Cause::Resigned
            | Cause::Group { .. }) => Err(format!("{other:?} makes nobody MASTER")),
        }
    }
}
