//! Slots of a service's table through changes and sweeps (DESIGN 4.2). PURE.
//!
//! A slot names its servers by id; an id stays when its server moves to another entry of
//! `real_servers`, so a slot that did not change has the same state whatever the entries are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lb_common::layout::Slot;

/// Who gets a slot's clients; 0 = nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    Stable {
        current: u32,
    },
    /// Connections from before the change are still coming over to records.
    Settling {
        current: u32,
        /// The last stable one; it takes packets, and is not `current`.
        previous: u32,
        /// The daemon's seconds.
        since: u32,
    },
    /// Records may say something else than `current`.
    Exceptional {
        current: u32,
    },
}

impl SlotState {
    #[must_use]
    pub const fn current(self) -> u32 {
        match self {
            Self::Stable { current }
            | Self::Settling { current, .. }
            | Self::Exceptional { current } => current,
        }
    }

    #[must_use]
    pub const fn previous(self) -> Option<u32> {
        match self {
            Self::Settling { previous, .. } => Some(previous),
            Self::Stable { .. } | Self::Exceptional { .. } => None,
        }
    }

    #[must_use]
    pub const fn is_settling(self) -> bool {
        self.previous().is_some()
    }

    const fn is_stable(self) -> bool {
        matches!(self, Self::Stable { .. })
    }

    /// The slot after a change that gives it to `new`.
    fn moved(self, new: u32, usable: impl Fn(u32) -> bool, now: u64) -> Self {
        match self {
            Self::Settling {
                previous, since, ..
            } if usable(previous) && previous != new => Self::Settling {
                current: new,
                previous,
                since,
            },
            Self::Settling { .. } => Self::Exceptional { current: new },
            Self::Stable { current } | Self::Exceptional { current } if current == new => self,
            Self::Stable { current } | Self::Exceptional { current } if usable(current) => {
                Self::Settling {
                    current: new,
                    previous: current,
                    since: now as u32,
                }
            }
            Self::Stable { .. } => Self::Stable { current: new },
            Self::Exceptional { .. } => Self::Exceptional { current: new },
        }
    }

    /// The slot after a sweep. Packets read no records in a stable slot, so one for which a
    /// record speaks otherwise cannot be stable.
    const fn swept(self, disagrees: bool, settling: u32, now: u64) -> Self {
        match self {
            Self::Settling { current, since, .. }
                if (now as u32).wrapping_sub(since) >= settling =>
            {
                Self::Exceptional { current }
            }
            Self::Exceptional { current } if !disagrees => Self::Stable { current },
            Self::Stable { current } if disagrees => Self::Exceptional { current },
            Self::Stable { .. } | Self::Settling { .. } | Self::Exceptional { .. } => self,
        }
    }

    /// The slot as packets see it: `entry` says where a server's entry is, 0 = nowhere.
    fn rendered(self, entry: impl Fn(u32) -> u32) -> Slot {
        match self {
            Self::Stable { current } => Slot::stable(entry(current)),
            Self::Settling {
                current, previous, ..
            } => Slot::settling(entry(current), entry(previous)),
            Self::Exceptional { current } => Slot::exceptional(entry(current)),
        }
    }
}

/// How many slots are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub stable: usize,
    pub settling: usize,
    pub exceptional: usize,
}

/// All slots of a service that are in use. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slots {
    /// Who gets each slot's clients.
    current: Arc<[u32]>,
    /// The slots that are not stable, which is none most of the time.
    unstable: Arc<BTreeMap<usize, SlotState>>,
}

impl Slots {
    pub(super) fn new(states: impl Iterator<Item = SlotState>) -> Self {
        let mut unstable = BTreeMap::new();
        let current = states.enumerate().map(|(index, slot)| {
            if !slot.is_stable() {
                unstable.insert(index, slot);
            }
            slot.current()
        });
        Self {
            current: current.collect(),
            unstable: Arc::new(unstable),
        }
    }

    pub(super) fn stable(ids: &[u32]) -> Self {
        Self {
            current: ids.into(),
            unstable: Arc::default(),
        }
    }

    fn states(&self) -> impl Iterator<Item = SlotState> {
        let mut unstable = self.unstable.iter().peekable();
        let all = self.current.iter().enumerate();
        all.map(
            move |(index, &current)| match unstable.next_if(|(at, _)| **at == index) {
                Some((_, slot)) => *slot,
                None => SlotState::Stable { current },
            },
        )
    }

    /// After a change that gives the slots to `ids`. A table of another length is another table.
    pub(super) fn moved(&self, ids: &[u32], usable: impl Fn(u32) -> bool, now: u64) -> Self {
        if ids.len() != self.len() {
            return Self::stable(ids);
        }
        let slots = self.states().zip(ids);
        Self::new(slots.map(|(slot, &new)| slot.moved(new, &usable, now)))
    }

    /// Slots that came to one of these servers are stable at once.
    pub(super) fn settled_on(&self, servers: impl Fn(u32) -> bool) -> Self {
        if self.are_stable() {
            return self.clone();
        }
        Self::new(self.states().map(|slot| match slot {
            SlotState::Settling { current, .. } if servers(current) => {
                SlotState::Stable { current }
            }
            SlotState::Stable { .. }
            | SlotState::Settling { .. }
            | SlotState::Exceptional { .. } => slot,
        }))
    }

    pub(super) fn swept(&self, disagrees: impl Fn(usize) -> bool, settling: u32, now: u64) -> Self {
        let slots = self.states().enumerate();
        Self::new(slots.map(|(index, slot)| slot.swept(disagrees(index), settling, now)))
    }

    /// A whole inner map.
    pub(super) fn rendered(&self, entry: impl Fn(u32) -> u32, capacity: usize) -> Vec<Slot> {
        let slots = self.states().map(|slot| slot.rendered(&entry));
        let mut map: Vec<Slot> = slots.collect();
        map.resize(capacity, Slot::default());
        map
    }

    pub(super) fn get(&self, index: u32) -> Option<SlotState> {
        let index = index as usize;
        let current = *self.current.get(index)?;
        let stable = SlotState::Stable { current };
        Some(self.unstable.get(&index).copied().unwrap_or(stable))
    }

    pub(super) fn len(&self) -> usize {
        self.current.len()
    }

    pub(super) fn are_stable(&self) -> bool {
        self.unstable.is_empty()
    }

    /// All servers that a slot leads to.
    pub(super) fn servers(&self) -> BTreeSet<u32> {
        let named = self
            .states()
            .flat_map(|slot| [Some(slot.current()), slot.previous()]);
        named.flatten().filter(|&id| id != 0).collect()
    }

    pub(super) fn tally(&self) -> Tally {
        let unstable = self.unstable.values();
        let settling = unstable.filter(|slot| slot.is_settling()).count();
        Tally {
            stable: self.len() - self.unstable.len(),
            settling,
            exceptional: self.unstable.len() - settling,
        }
    }
}

#[cfg(test)]
mod tests;
