//! How long to wait before the next try. PURE.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// A server that asks for more patience than this gets this.
const MOST_ASKED: Duration = Duration::from_secs(3600);

/// A small generator (xorshift64, Marsaglia 2003): nothing here needs to be unpredictable.
#[derive(Debug)]
pub(super) struct Backoff(u64);

impl Backoff {
    pub(super) const fn new(seed: u64) -> Self {
        // Xorshift stays at 0 for ever.
        Self(seed | 1)
    }

    /// After `tries` failures in a row: twice as long each time, less up to a half at random, so
    /// that several directors do not come at once. `asked` is what the server wants at least.
    pub(super) fn after(&mut self, tries: u32, asked: Option<Duration>) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let unit = (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        let doublings = tries.saturating_sub(1).min(16);
        let whole = (FIRST * (1 << doublings)).min(LONGEST);
        let asked = asked.unwrap_or_default().min(MOST_ASKED);
        whole.mul_f64(1.0 - unit / 2.0).max(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::new(7);
        for (tries, most) in [
            (1, 1),
            (2, 2),
            (3, 4),
            (8, 128),
            (9, 256),
            (10, 300),
            (99, 300),
        ] {
            let most = Duration::from_secs(most);
            let waits: Vec<Duration> = (0..200).map(|_| backoff.after(tries, None)).collect();
            assert!(waits.iter().all(|wait| (most / 2..=most).contains(wait)));
            assert!(waits.iter().max() > waits.iter().min());
        }
    }

    #[test]
    fn a_server_may_ask_for_more() {
        let mut backoff = Backoff::new(7);
        let seconds = Duration::from_secs;
        assert_eq!(backoff.after(1, Some(seconds(30))), seconds(30));
        assert_eq!(backoff.after(1, Some(seconds(99_999))), seconds(3600));
        assert!(backoff.after(10, Some(seconds(1))) >= seconds(150));
    }
}
