//! Which router's timer is next. PURE.

use std::collections::BTreeSet;
use std::time::Instant;

/// At most one timer of each router; setting and finding one takes logarithmic time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, usize)>,
    /// By router.
    set: Vec<Option<Instant>>,
}

impl Timers {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn set(&mut self, router: usize, at: Option<Instant>) {
        if self.set.len() <= router {
            self.set.resize(router + 1, None);
        }
        let before = std::mem::replace(&mut self.set[router], at);
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, router));
        }
        if let Some(at) = at {
            self.queue.insert((at, router));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes out a timer that has expired by `now`, the oldest first.
    pub(super) fn expired(&mut self, now: Instant) -> Option<(Instant, usize)> {
        let (at, router) = *self.queue.first().filter(|(at, _)| *at <= now)?;
        self.set(router, None);
        Some((at, router))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_comes_first_and_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.set(2, Some(at(10)));
        timers.set(0, Some(at(20)));
        timers.set(1, Some(at(10)));
        // Moved both ways, and taken back.
        timers.set(0, Some(at(5)));
        timers.set(2, Some(at(30)));
        timers.set(3, Some(at(1)));
        timers.set(3, None);
        assert_eq!(timers.next(), Some(at(5)));
        assert_eq!(timers.expired(at(4)), None);
        assert_eq!(timers.expired(at(10)), Some((at(5), 0)));
        assert_eq!(timers.expired(at(10)), Some((at(10), 1)));
        assert_eq!(timers.expired(at(10)), None);
        assert_eq!(timers.next(), Some(at(30)));
        timers.clear();
        assert_eq!(timers.next(), None);
    }
}
