//! Spreads checks over time, so that a thousand of them do not probe in step. PURE.

use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Duration;

/// A small generator (xorshift64, Marsaglia 2003): nothing here needs to be unpredictable.
pub(super) struct Jitter(u64);

impl Jitter {
    /// Seeded at random, differently for each check.
    pub(super) fn new(check: &impl Hash) -> Self {
        // Xorshift stays at 0 for ever.
        Self(RandomState::new().hash_one(check) | 1)
    }

    /// `interval`, give or take up to `percent` of it.
    pub(super) fn vary(&mut self, interval: Duration, percent: u8) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let unit = (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        let factor = 1.0 + (2.0 * unit - 1.0) * f64::from(percent) / 100.0;
        interval.mul_f64(factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_within_the_percentage_and_differ() {
        let interval = Duration::from_secs(1);
        let mut jitter = Jitter::new(&"check");
        let pauses: Vec<Duration> = (0..1000).map(|_| jitter.vary(interval, 10)).collect();
        let inside = Duration::from_millis(900)..=Duration::from_millis(1100);
        assert!(pauses.iter().all(|pause| inside.contains(pause)));
        assert!(pauses.iter().max() > pauses.iter().min());
        let average = pauses.iter().sum::<Duration>() / 1000;
        assert!(average.abs_diff(interval) < Duration::from_millis(10));
    }

    #[test]
    fn without_jitter_the_interval_is_exact() {
        let interval = Duration::from_millis(250);
        assert_eq!(Jitter::new(&1).vary(interval, 0), interval);
    }
}
