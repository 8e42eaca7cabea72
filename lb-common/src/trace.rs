//! What `lvx trace` shows: decisions about single packets.

use crate::index::IndexKey;

/// The one value of map `trace_filter`: which packets are shown, and how many.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter {
    /// `Filter::SERVICE` and others; none: every packet.
    pub flags: u32,
    /// Events that may still be written, as a signed number; the daemon fills it up at a steady
    /// rate.
    pub budget: u32,
    pub service: IndexKey,
    /// Compared under `client_mask`.
    pub client: [u64; 2],
    pub client_mask: [u64; 2],
}

impl Filter {
    /// Only packets to `service`.
    pub const SERVICE: u32 = 1;
    /// Only packets from `client`.
    pub const CLIENT: u32 = 1 << 1;
    /// Only packets that are left to the kernel.
    pub const PASSED: u32 = 1 << 2;
}

/// Index into map `trace_unseen`: why a packet that was asked for is not shown.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    OverRate = 0,
    /// The events were not read fast enough.
    NoRoom = 1,
}

impl Unseen {
    pub const COUNT: u32 = 2;
}

/// One packet.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Event {
    /// Nanoseconds of CLOCK_MONOTONIC.
    pub time: u64,
    pub service: IndexKey,
    /// Client's address, in words.
    pub client: [u64; 2],
    pub client_port: u16,
    /// A [`crate::rule::Segment`].
    pub segment: u8,
    pub outcome: Outcome,
    /// The real server's id; 0 = none was chosen.
    pub server: u32,
    /// Slot of the service's table, and whether it is stable ([`crate::layout::Slot::flags`]).
    pub slot: u32,
    pub slot_flags: u32,
    /// Interface the packet came in by.
    pub ifindex: u32,
    pub ip_length: u32,
}

/// What became of a packet: 0 sent back out, 1 redirected, else 2 + the
/// [`crate::reason::Reason`] for which it was left to the kernel.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome(pub u8);

impl Outcome {
    pub const TRANSMITTED: Self = Self(0);
    pub const REDIRECTED: Self = Self(1);
    const FIRST_REASON: u8 = 2;

    #[inline(always)]
    #[must_use]
    pub const fn passed(reason: crate::reason::Reason) -> Self {
        Self(Self::FIRST_REASON + reason as u8)
    }

    /// Why it was passed, if it was.
    #[inline(always)]
    #[must_use]
    pub const fn reason(self) -> Option<crate::reason::Reason> {
        match self.0.checked_sub(Self::FIRST_REASON) {
            Some(number) => Some(crate::reason::Reason::from_number(number as u32)),
            None => None,
        }
    }
}

const _: () = {
    assert!(size_of::<Filter>() == 64);
    assert!(size_of::<Event>() == 72);
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    #[test]
    fn an_outcome_tells_its_reason() {
        assert_eq!(Outcome::TRANSMITTED.reason(), None);
        assert_eq!(Outcome::REDIRECTED.reason(), None);
        for reason in Reason::ALL {
            assert_eq!(Outcome::passed(reason).reason(), Some(reason));
        }
    }
}
