//! Putting right what others did to what is ours in the kernel, and telling.

use std::time::{Duration, Instant};

use super::Daemon;

/// Repairs that are made at once.
const BURST: u32 = 5;
/// Between two repairs beyond that.
const REST: Duration = Duration::from_secs(1);

/// How fast repairs follow each other: another program that undoes them at once must not keep
/// this one busy, but it must not win either. PURE.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    left: u32,
    /// When one more is allowed.
    next: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            left: BURST,
            next: None,
        }
    }
}

impl Pace {
    /// When the next repair may be made; `None`: now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Instant> {
        while self.left < BURST
            && let Some(next) = self.next.filter(|next| *next <= now)
        {
            self.left += 1;
            self.next = (self.left < BURST).then_some(next + REST);
        }
        self.next.filter(|_| self.left == 0)
    }

    /// One was made.
    pub(super) fn made(&mut self, now: Instant) {
        self.left = self.left.saturating_sub(1);
        self.next.get_or_insert(now + REST);
    }
}

impl Daemon {
    /// Tells that something of ours was changed by others, and repaired.
    pub(super) fn repaired(&mut self, what: &str) {
        self.pace.made(Instant::now());
        self.kernel.repaired(what);
    }

    /// Wakes up the loop then, if not before.
    pub(super) fn retry(&mut self, at: Instant) {
        self.retry_at = Some(self.retry_at.map_or(at, |before| before.min(at)));
    }

    /// Whether a repair has to wait; the loop comes back to it.
    pub(super) fn must_wait(&mut self, now: Instant) -> bool {
        let Some(at) = self.pace.wait(now) else {
            return false;
        };
        self.retry(at);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_repaired_at_once_and_then_one_a_second() {
        let mut pace = Pace::default();
        let start = Instant::now();
        for _ in 0..BURST {
            assert_eq!(pace.wait(start), None);
            pace.made(start);
        }
        for second in 1..4 {
            let now = start + second * REST;
            assert_eq!(pace.wait(now - Duration::from_millis(1)), Some(now));
            assert_eq!(pace.wait(now), None);
            pace.made(now);
        }
    }

    #[test]
    fn quiet_gives_the_burst_back() {
        let mut pace = Pace::default();
        let start = Instant::now();
        for _ in 0..BURST {
            pace.made(start);
        }
        let later = start + (BURST + 3) * REST;
        for _ in 0..BURST {
            assert_eq!(pace.wait(later), None);
            pace.made(later);
        }
        assert_eq!(pace.wait(later), Some(later + REST));
    }
}
