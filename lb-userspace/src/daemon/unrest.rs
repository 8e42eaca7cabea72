//! When to find out anew what the data planes and the checks shall do: with ten thousand real
//! servers that takes milliseconds, and most of the time nothing has happened.

use std::time::{Duration, Instant};

/// After so long it is done in any case.
const LATEST: Duration = Duration::from_secs(5);

/// Whether something may have happened since the last time. PURE.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unrest {
    stirred: bool,
    settled_at: Option<Instant>,
}

impl Unrest {
    /// Something happened that may change what is wanted, or what is there.
    pub(super) const fn stir(&mut self) {
        self.stirred = true;
    }

    pub(super) const fn stir_if(&mut self, happened: bool) {
        self.stirred |= happened;
    }

    /// Whether it is to be done now, which it then is.
    pub(super) fn settles(&mut self, now: Instant) -> bool {
        let late = self.settled_at.is_none_or(|at| now >= at + LATEST);
        let settles = std::mem::take(&mut self.stirred) || late;
        if settles {
            self.settled_at = Some(now);
        }
        settles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_done_at_first_when_something_happened_and_after_a_while() {
        let (mut unrest, start) = (Unrest::default(), Instant::now());
        assert!(unrest.settles(start));
        assert!(!unrest.settles(start));
        unrest.stir();
        assert!(unrest.settles(start + LATEST / 2));
        assert!(!unrest.settles(start + LATEST));
        assert!(unrest.settles(start + LATEST + LATEST / 2));
        assert!(!unrest.settles(start + LATEST + LATEST / 2));
    }
}
