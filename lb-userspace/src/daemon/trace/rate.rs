//! How many packets a trace may show. PURE.

use std::time::{Duration, Instant};

/// Between two refills.
const TICK: Duration = Duration::from_millis(100);
const TICKS: u32 = 10;

/// Packets per second, given out a tenth at a time, so that no more come in a burst either. What
/// is not used within its tenth of a second is gone, but for the one packet that a rate below ten
/// must be able to save.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    rate: u32,
    /// Tenths of a packet.
    carried: u32,
    refilled: Instant,
}

impl Allowance {
    pub(super) const fn new(rate: u32, now: Instant) -> Self {
        Self {
            rate,
            carried: 0,
            refilled: now,
        }
    }

    /// The most packets at once, and what a trace starts with.
    pub(super) fn first(&self) -> i32 {
        (self.rate / TICKS).max(1).min(i32::MAX as u32) as i32
    }

    /// Packets that may be shown from now on, of which `left` could have been until now.
    pub(super) fn refill(&mut self, left: i32, now: Instant) -> i32 {
        let left = left.max(0);
        if now.saturating_duration_since(self.refilled) < TICK {
            return left;
        }
        self.refilled = now;
        let tenths = self.carried + self.rate % TICKS;
        self.carried = tenths % TICKS;
        let more = self.rate / TICKS + tenths / TICKS;
        let more = i32::try_from(more).unwrap_or(i32::MAX);
        left.saturating_add(more).min(self.first().max(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets shown in ten seconds in which there are always more.
    fn shown(rate: u32, reads_per_second: u32) -> i32 {
        let mut now = Instant::now();
        let mut allowance = Allowance::new(rate, now);
        let mut sum = 0;
        for _ in 0..10 * reads_per_second {
            now += Duration::from_secs(1) / reads_per_second;
            sum += allowance.refill(0, now);
        }
        sum
    }

    #[test]
    fn a_rate_is_kept_however_often_it_is_read() {
        for rate in [1, 7, 10, 95, 100, 12_345] {
            let expected = rate as i32 * 10;
            assert_eq!(shown(rate, 10), expected, "{rate}");
            let often = shown(rate, 50);
            assert!(
                (expected - 1..=expected).contains(&often),
                "{rate}: {often}"
            );
            assert!(shown(rate, 2) <= expected / 5 + 1, "{rate}");
        }
    }

    #[test]
    fn nothing_is_saved_but_one_packet() {
        let mut now = Instant::now();
        for (rate, most) in [(1, 1), (100, 10), (105, 11)] {
            let mut allowance = Allowance::new(rate, now);
            let mut left = allowance.first();
            for _ in 0..100 {
                now += TICK;
                left = allowance.refill(left, now);
                assert!((1..=most).contains(&left), "{rate}: {left}");
            }
        }
    }

    #[test]
    fn what_processors_overdrew_is_forgiven() {
        let now = Instant::now();
        let mut allowance = Allowance::new(100, now);
        assert_eq!(allowance.refill(-3, now + TICK), 10);
        assert_eq!(allowance.refill(-3, now + TICK), 0);
    }
}
