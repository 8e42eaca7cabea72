//! How many real servers of a service are healthy, and what follows from that. PURE.

/// Real servers of a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Whether they get clients or not.
    pub healthy: usize,
    /// Of which waiting will tell more.
    pub open: usize,
    pub total: usize,
}

impl Count {
    /// Whether `needed` are healthy, `regain` if the quorum was lost before; `None`: that is not
    /// known yet.
    pub(super) fn quorum(
        self,
        before: Option<bool>,
        (needed, regain): (usize, usize),
    ) -> Option<bool> {
        let enough = if before == Some(false) {
            regain
        } else {
            needed
        };
        if self.healthy >= enough {
            Some(true)
        } else if self.healthy + self.open < needed {
            Some(false)
        } else {
            before
        }
    }

    /// Whether fewer than `percent` of them are healthy.
    pub(super) fn panic(self, before: bool, percent: u8) -> bool {
        let fewer = |count: usize| count * 100 < self.total * usize::from(percent);
        fewer(self.healthy + self.open) || (before && fewer(self.healthy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn count(healthy: usize, open: usize) -> Count {
        Count {
            healthy,
            open,
            total: 5,
        }
    }

    #[test]
    fn a_quorum_is_lost_below_and_regained_above() {
        let (lost, held) = (Some(false), Some(true));
        for (before, healthy, open, after) in [
            (None, 2, 0, held),
            (None, 2, 3, held),
            (None, 1, 4, None),
            (None, 1, 1, None),
            (None, 1, 0, lost),
            (held, 1, 1, held),
            (held, 1, 0, lost),
            (held, 2, 0, held),
            (lost, 2, 0, lost),
            (lost, 2, 3, lost),
            (lost, 3, 0, held),
        ] {
            let found = count(healthy, open).quorum(before, (2, 3));
            assert_eq!(found, after, "{before:?} {healthy}+{open}");
        }
    }

    #[test]
    fn panic_begins_when_it_is_certain() {
        for (before, healthy, open, percent, after) in [
            (false, 2, 0, 40, false),
            (false, 1, 0, 40, true),
            (false, 1, 1, 40, false),
            (true, 1, 1, 40, true),
            (true, 2, 0, 40, false),
            (false, 4, 0, 100, true),
            (false, 5, 0, 100, false),
            (false, 0, 0, 1, true),
        ] {
            let found = count(healthy, open).panic(before, percent);
            assert_eq!(found, after, "{before} {healthy}+{open} {percent}%");
        }
        let nobody = Count::default();
        assert!(!nobody.panic(true, 100));
    }
}
