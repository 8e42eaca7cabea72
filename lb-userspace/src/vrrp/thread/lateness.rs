//! How late timers run: what the host makes of our real-time priority.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Written by the protocol thread, read by whoever asks.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    worst: AtomicU64,
    oversleeps: AtomicU64,
}

impl Lateness {
    pub(super) fn record(&self, late: Duration) {
        let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.worst.fetch_max(late, Ordering::Relaxed);
    }

    pub(super) fn overslept(&self) {
        self.oversleeps.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn worst(&self) -> Duration {
        Duration::from_nanos(self.worst.load(Ordering::Relaxed))
    }

    pub(super) fn take_worst(&self) -> Duration {
        Duration::from_nanos(self.worst.swap(0, Ordering::Relaxed))
    }

    pub(super) fn oversleeps(&self) -> u64 {
        self.oversleeps.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_worst_until_it_is_taken() {
        let lateness = Lateness::default();
        for ms in [3, 7, 5] {
            lateness.record(Duration::from_millis(ms));
        }
        assert_eq!(lateness.worst(), Duration::from_millis(7));
        assert_eq!(lateness.take_worst(), Duration::from_millis(7));
        assert_eq!(lateness.worst(), Duration::ZERO);
        lateness.overslept();
        assert_eq!(lateness.oversleeps(), 1);
    }
}
