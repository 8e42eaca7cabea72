//! Keeps a repeated log line from flooding the log. PURE.

use std::time::{Duration, Instant};

/// At most one line in this time.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets one line through per period and counts the rest.
#[derive(Debug, Default)]
pub(super) struct Limit {
    last: Option<Instant>,
    suppressed: u64,
}

impl Limit {
    /// `Some(lines left out since the last one)` if a line may be written now.
    pub(super) fn allow(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now < last + PERIOD) {
            self.suppressed += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_per_period_and_the_rest_counted() {
        let now = Instant::now();
        let mut limit = Limit::default();
        assert_eq!(limit.allow(now), Some(0));
        assert_eq!(limit.allow(now), None);
        assert_eq!(limit.allow(now + PERIOD / 2), None);
        assert_eq!(limit.allow(now + PERIOD), Some(2));
        assert_eq!(limit.allow(now + 2 * PERIOD), Some(0));
    }
}
