//! When announcements (gratuitous ARP, unsolicited neighbour advertisements) go out: a burst after
//! a takeover, perhaps a second one, then a slow refresh. PURE.

use std::time::Instant;

use crate::config::Garp;

/// Schedule of one instance's announcements.
#[derive(Debug, Clone)]
pub struct Schedule {
    garp: Garp,
    /// The next of a burst, or the next refresh.
    next: Option<Instant>,
    /// When the second burst begins.
    second: Option<Instant>,
    /// Announcements of the burst still to come.
    burst_left: u8,
    /// Time of the last one since [`Self::start`]; `None` also before the first.
    last: Option<Instant>,
    started: bool,
}

impl Schedule {
    /// A schedule at rest.
    pub fn new(garp: Garp) -> Self {
        Self {
            garp,
            next: None,
            second: None,
            burst_left: 0,
            last: None,
            started: false,
        }
    }

    /// Begins a burst, the first announcement being due at once.
    pub fn start(&mut self, now: Instant) {
        self.started = true;
        self.last = None;
        self.second = self.garp.delay.map(|delay| now + delay);
        self.burst_left = self.garp.count;
        self.next = Some(now);
    }

    /// Another host may have announced the addresses as its own: a burst of
    /// `Garp::lower_priority`. However often this is called, announcements stay `Garp::interval`
    /// apart. Ignored before [`Self::start`].
    pub fn lower_priority_heard(&mut self, now: Instant) {
        if !self.started || self.garp.lower_priority == 0 {
            return;
        }
        if self.burst_left == 0 {
            let earliest = self.last.map(|last| last + self.garp.interval);
            self.next = Some(earliest.map_or(now, |earliest| earliest.max(now)));
        }
        self.burst_left = self.burst_left.max(self.garp.lower_priority);
    }

    /// Nothing is due any more.
    pub fn stop(&mut self) {
        *self = Self::new(self.garp);
    }

    /// Takes other settings; a burst that is running goes on, with at most the new count to come.
    pub fn reconfigure(&mut self, garp: Garp, now: Instant) {
        if self.garp == garp {
            return;
        }
        self.garp = garp;
        self.burst_left = self.burst_left.min(garp.count);
        if garp.delay.is_none() {
            self.second = None;
        }
        if self.burst_left == 0 && self.started {
            self.next = garp.refresh.map(|refresh| now + refresh);
        }
    }

    /// When [`Self::due`] is worth the next call; `None` at rest.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.next.into_iter().chain(self.second).min()
    }

    /// Whether an announcement for each address shall go out now; counts it as done.
    pub fn due(&mut self, now: Instant) -> bool {
        if self.second.is_some_and(|second| second <= now) {
            self.second = None;
            self.burst_left = self.garp.count;
            self.next = Some(now);
        }
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        self.last = Some(now);
        self.burst_left = self.burst_left.saturating_sub(1);
        // Counted from now: after a late wake-up the announcements do not bunch.
        self.next = if self.burst_left > 0 {
            Some(now + self.garp.interval)
        } else {
            self.garp.refresh.map(|refresh| now + refresh)
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn garp(count: u8, refresh: Option<Duration>) -> Garp {
        Garp {
            count,
            interval: 100 * MS,
            refresh,
            ..Garp::default()
        }
    }

    /// Milliseconds after `start` at which something was due, up to `until`.
    fn run(schedule: &mut Schedule, start: Instant, until: Duration) -> Vec<u128> {
        let mut due_at = Vec::new();
        while let Some(next) = schedule.next_timeout() {
            if next > start + until {
                break;
            }
            assert!(schedule.due(next), "a timeout is due when it is there");
            assert!(!schedule.due(next), "and only once");
            due_at.push((next - start).as_millis());
        }
        due_at
    }

    #[test]
    fn burst_then_rest() {
        let now = Instant::now();
        let mut schedule = Schedule::new(garp(3, None));
        assert_eq!(schedule.next_timeout(), None);
        assert!(!schedule.due(now));
        schedule.start(now);
        assert_eq!(run(&mut schedule, now, 10_000 * MS), [0, 100, 200]);
        assert_eq!(schedule.next_timeout(), None);
    }

    #[test]
    fn burst_then_refresh() {
        let now = Instant::now();
        let mut schedule = Schedule::new(garp(2, Some(1000 * MS)));
        schedule.start(now);
        assert_eq!(run(&mut schedule, now, 3000 * MS), [0, 100, 1100, 2100]);
    }

    #[test]
    fn stop_is_at_once_and_start_begins_anew() {
        let now = Instant::now();
        let mut schedule = Schedule::new(garp(2, Some(1000 * MS)));
        schedule.start(now);
        assert!(schedule.due(now));
        schedule.stop();
        assert!(!schedule.due(now + 5000 * MS));
        schedule.start(now);
        assert_eq!(run(&mut schedule, now, 200 * MS), [0, 100]);
    }

    #[test]
    fn late_wake_up_does_not_bunch() {
        let now = Instant::now();
        let mut schedule = Schedule::new(garp(3, None));
        schedule.start(now);
        let late = now + 1000 * MS;
        assert!(schedule.due(late));
        assert!(!schedule.due(late));
        assert_eq!(schedule.next_timeout(), Some(late + 100 * MS));
    }

    #[test]
    fn second_burst_after_the_delay() {
        let now = Instant::now();
        let mut schedule = Schedule::new(Garp {
            delay: Some(1000 * MS),
            ..garp(2, Some(700 * MS))
        });
        schedule.start(now);
        let due = run(&mut schedule, now, 2000 * MS);
        assert_eq!(due, [0, 100, 800, 1000, 1100, 1800]);
        schedule.start(now);
        schedule.stop();
        assert_eq!(schedule.next_timeout(), None);
    }

    #[test]
    fn a_loser_is_answered_by_a_burst_without_bunching() {
        let now = Instant::now();
        let mut schedule = Schedule::new(Garp {
            lower_priority: 3,
            ..garp(1, None)
        });
        schedule.lower_priority_heard(now);
        assert_eq!(schedule.next_timeout(), None, "not announced yet");
        schedule.start(now);
        assert_eq!(run(&mut schedule, now, 10 * MS), [0]);
        for _ in 0..1000 {
            schedule.lower_priority_heard(now + 20 * MS);
        }
        assert_eq!(run(&mut schedule, now, 10_000 * MS), [100, 200, 300]);
        schedule.lower_priority_heard(now + 20_000 * MS);
        assert_eq!(schedule.next_timeout(), Some(now + 20_000 * MS));
    }

    #[test]
    fn reconfigure_changes_what_is_to_come() {
        let now = Instant::now();
        let mut schedule = Schedule::new(garp(5, None));
        schedule.reconfigure(garp(5, Some(1000 * MS)), now);
        assert_eq!(schedule.next_timeout(), None, "at rest it stays at rest");
        schedule.start(now);
        assert!(schedule.due(now));
        schedule.reconfigure(garp(2, None), now);
        assert_eq!(run(&mut schedule, now, 10_000 * MS), [100, 200]);
    }
}
