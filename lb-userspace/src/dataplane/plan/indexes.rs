//! Indexes into a kernel array, given out lowest first. PURE.

use std::collections::BTreeSet;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Indexes {
    /// Never given out yet.
    fresh: Range<u32>,
    returned: BTreeSet<u32>,
}

impl Indexes {
    pub(super) const fn new(range: Range<u32>) -> Self {
        Self {
            fresh: range,
            returned: BTreeSet::new(),
        }
    }

    /// All but those that are in use.
    pub(super) fn without(range: Range<u32>, used: &BTreeSet<u32>) -> Self {
        let fresh = used.last().map_or(range.start, |last| last + 1);
        Self {
            returned: (range.start..fresh)
                .filter(|index| !used.contains(index))
                .collect(),
            fresh: fresh..range.end,
        }
    }

    /// `None` when all are in use.
    pub(super) fn take(&mut self) -> Option<u32> {
        self.returned.pop_first().or_else(|| self.fresh.next())
    }

    pub(super) fn give(&mut self, indexes: impl IntoIterator<Item = u32>) {
        self.returned.extend(indexes);
    }
}
