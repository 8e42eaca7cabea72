//! A real server whose verdict changes too often must calm down first. PURE.

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::Damping;

/// Changes that are remembered; the configuration asks for no more.
const ROOM: usize = 1000;

/// How one server's verdict went lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flaps {
    changes: VecDeque<Instant>,
    healthy_since: Option<Instant>,
    damped: bool,
}

impl Flaps {
    pub(super) fn observe(&mut self, up: bool, changed: bool, at: Instant) {
        if changed {
            if self.changes.len() == ROOM {
                self.changes.pop_front();
            }
            self.changes.push_back(at);
        }
        if up {
            self.healthy_since.get_or_insert(at);
        } else {
            self.healthy_since = None;
        }
    }

    /// Whether it has changed too often, and not been healthy for long enough since.
    pub(super) fn follow(&mut self, damping: Option<Damping>, now: Instant) -> bool {
        let Some(damping) = damping else {
            self.changes.clear();
            self.damped = false;
            return false;
        };
        let old = |at: &Instant| now.saturating_duration_since(*at) >= damping.within;
        while self.changes.front().is_some_and(old) {
            self.changes.pop_front();
        }
        if self.damped {
            let calm = |since| now.saturating_duration_since(since) >= damping.hold;
            if self.healthy_since.is_some_and(calm) {
                self.damped = false;
                self.changes.clear();
            }
        } else {
            self.damped = self.changes.len() >= usize::from(damping.changes);
        }
        self.damped
    }

    /// When time alone ends it.
    pub(super) fn next_timeout(&self, damping: Option<Damping>) -> Option<Instant> {
        let since = self.healthy_since.filter(|_| self.damped)?;
        since.checked_add(damping?.hold)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DAMPING: Damping = Damping {
        changes: 3,
        within: Duration::from_secs(10),
        hold: Duration::from_secs(5),
    };

    /// After each verdict (seconds, up) whether the server is damped.
    fn run(verdicts: &[(u32, bool)]) -> Vec<bool> {
        let start = Instant::now();
        let (mut flaps, mut last) = (Flaps::default(), None);
        let mut damped = Vec::new();
        for &(at, up) in verdicts {
            let at = start + at * SECOND;
            flaps.observe(up, last.is_some_and(|last| last != up), at);
            last = Some(up);
            damped.push(flaps.follow(Some(DAMPING), at));
        }
        damped
    }

    #[test]
    fn changes_count_within_their_time() {
        let verdicts = [(0, true), (1, false), (2, true), (3, false)];
        assert_eq!(run(&verdicts), [false, false, false, true]);
        // The first change is 10 s old when the third comes.
        let verdicts = [(0, true), (1, false), (2, true), (11, false), (12, true)];
        assert_eq!(run(&verdicts), [false, false, false, false, false]);
    }

    #[test]
    fn it_ends_when_the_server_was_healthy_without_a_break() {
        let start = Instant::now();
        let at = |seconds: u32| start + seconds * SECOND;
        let mut flaps = Flaps::default();
        for (seconds, up) in [(1, false), (2, true), (3, false), (4, true)] {
            flaps.observe(up, true, at(seconds));
        }
        assert!(flaps.follow(Some(DAMPING), at(4)));
        assert_eq!(flaps.next_timeout(Some(DAMPING)), Some(at(9)));
        flaps.observe(false, true, at(7));
        assert_eq!(flaps.next_timeout(Some(DAMPING)), None);
        assert!(flaps.follow(Some(DAMPING), at(9)), "a break");
        flaps.observe(true, true, at(10));
        assert!(flaps.follow(Some(DAMPING), at(14)));
        assert!(!flaps.follow(Some(DAMPING), at(15)));
        // It begins anew: one change is none too many.
        flaps.observe(false, true, at(16));
        assert!(!flaps.follow(Some(DAMPING), at(16)));
    }

    #[test]
    fn without_the_key_there_is_none() {
        let now = Instant::now();
        let mut flaps = Flaps::default();
        for _ in 0..10 {
            flaps.observe(false, true, now);
        }
        assert!(flaps.follow(Some(DAMPING), now));
        assert!(!flaps.follow(None, now));
        assert_eq!(flaps.next_timeout(None), None);
    }
}
