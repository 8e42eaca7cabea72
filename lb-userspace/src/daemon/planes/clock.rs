//! The time of records: seconds in which a daemon ran.

use std::time::{Duration, Instant};

use super::Kernel;

/// Between two sweeps.
const SWEEP: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Clock {
    /// What an earlier daemon's clock showed, and when this one took over.
    start: Option<(u64, Instant)>,
    swept: Option<Instant>,
}

impl Clock {
    pub(super) const fn start(shown: u64, now: Instant) -> Self {
        Self {
            start: Some((shown, now)),
            swept: None,
        }
    }

    fn shows(&self, now: Instant) -> Option<u64> {
        let (shown, start) = self.start?;
        Some(shown + now.saturating_duration_since(start).as_secs())
    }

    /// Whether it is time for a sweep, which is made then.
    fn sweeps(&mut self, now: Instant) -> bool {
        let due = self.swept.is_none_or(|swept| now >= swept + SWEEP);
        if due {
            self.swept = Some(now);
        }
        due
    }
}

impl Kernel {
    /// Lets the time of records go on, and removes those that are over.
    pub(in crate::daemon) fn tick(&mut self, now: Instant) {
        let (Some(xdp), Some(shows)) = (&mut self.xdp, self.clock.shows(now)) else {
            return;
        };
        xdp.set_now(shows);
        if !self.clock.sweeps(now) {
            return;
        }
        match tokio::task::block_in_place(|| xdp.sweep()) {
            Ok(changed) => self.moved += u64::from(changed),
            Err(error) => {
                tracing::error!(%error, "cannot end the states of slots; trying again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_the_earlier_daemons_stopped() {
        let now = Instant::now();
        let clock = Clock::start(100, now);
        assert_eq!(clock.shows(now), Some(100));
        assert_eq!(clock.shows(now + Duration::from_millis(2500)), Some(102));
    }

    #[test]
    fn sweeps_are_a_second_apart() {
        let now = Instant::now();
        let mut clock = Clock::start(0, now);
        assert!(clock.sweeps(now));
        assert!(!clock.sweeps(now + Duration::from_millis(500)));
        assert!(clock.sweeps(now + SWEEP));
    }
}
