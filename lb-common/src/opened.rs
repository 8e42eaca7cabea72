//! Samples of the connections that clients open: whether another packet of the client follows its
//! SYN, which none does when the server has not answered.
//!
//! Each sampled connection has one place to be in a plain array of words. The program fills a
//! place that is free, and notes the packet that follows; the daemon, which has the array in its
//! memory, counts and frees places. A place that is in use is only read: a flood of SYNs writes no
//! more than a few thousand words a second.
//!
//! Whoever knows this file can tell which of its connections are sampled. A sample is a hint about
//! a server, and decides nothing.

use crate::atomic::Word;
use crate::hash::word_of;

/// Places: so many sampled connections wait to be counted at once.
pub const PLACES: u32 = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 12;
/// Of so many connections one is sampled if nobody says otherwise.
pub const DEFAULT_SAMPLE: u32 = 64;
/// Sampled connections are no fewer than one of these.
pub const MAX_SAMPLE: u32 = 1 << 15;
/// [`mask`] of nothing.
pub const NO_SAMPLE: u32 = u32::MAX;

/// As in [`crate::index`].
const FIRST: u64 = 0x6a09_e667_f3bc_c909;
const SECOND: u64 = 0xbb67_ae85_84ca_a73b;

/// The program's constant by which one of `sample` connections, a power of two, is sampled; 0:
/// none.
#[must_use]
pub const fn mask(sample: u32) -> u32 {
    match sample.checked_sub(1) {
        // Not the last bit of the port: Linux gives out every other one first.
        Some(bits) => bits << 1,
        None => NO_SAMPLE,
    }
}

/// Whether connections from a client's port are sampled. All packets pay for it, so it looks at
/// the port alone; a client takes others for its next connections.
#[inline(always)]
#[must_use]
pub const fn is_sampled(port: u16, mask: u32) -> bool {
    port as u32 & mask == 0
}

/// A client's connection: its address, folded, and its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow(u64);

impl Flow {
    #[inline(always)]
    #[must_use]
    pub const fn new(client: [u64; 2], port: u16) -> Self {
        Self((word_of(client, 0) as u64) << 16 | port as u64)
    }

    /// The flow as a number: a program's functions pass numbers to each other.
    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    /// From [`Self::word`].
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The connection with the service that has this table, as a [`Sample`] knows it.
    #[inline(always)]
    #[must_use]
    pub const fn with_service(self, table: u32) -> Tag {
        let word = (self.0 | (table as u64) << 48).wrapping_mul(FIRST);
        Tag((word ^ word >> 29).wrapping_mul(SECOND))
    }
}

/// A connection with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(u64);

impl Tag {
    /// Where its sample may be.
    #[inline(always)]
    #[must_use]
    pub const fn place(self) -> u32 {
        (self.0 >> (u64::BITS - PLACE_BITS)) as u32
    }

    /// By which it is told from others in its place, where it lies in a [`Sample`].
    #[inline(always)]
    const fn bits(self) -> u64 {
        self.0 >> 20 & Sample::TAG_MASK
    }
}

/// The time of samples, in units of 2^20 ns: some 1.05 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(u32);

impl Moment {
    /// From nanoseconds of CLOCK_MONOTONIC.
    #[inline(always)]
    #[must_use]
    pub const fn from_nanoseconds(time: u64) -> Self {
        Self((time >> 20) as u32)
    }

    /// Milliseconds from `earlier` until now; 0 if that is yet to come, within seconds.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        const SECONDS: u32 = 1 << 12;
        let units = self.0.wrapping_sub(earlier.0);
        if units > u32::MAX - SECONDS {
            return 0;
        }
        ((units as u64) << 20) / 1_000_000
    }
}

/// What is known of a sampled connection, in one word: 0 is a free place.
///
/// Bits 0–13 the real server's id, which is never 0, 14 another packet followed, 15 it was counted
/// as unanswered, 16–31 a part of the connection's hash, 32–63 when the SYN came.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample(u64);

impl Sample {
    const SERVER_MASK: u64 = (1 << 14) - 1;
    const FOLLOWED: u64 = 1 << 14;
    const COUNTED: u64 = 1 << 15;
    const TAG_MASK: u64 = 0xffff << 16;
    const TIME: u32 = 32;

    #[inline(always)]
    #[must_use]
    pub const fn new(server: u32, tag: Tag, at: Moment) -> Self {
        Self(server as u64 & Self::SERVER_MASK | tag.bits() | (at.0 as u64) << Self::TIME)
    }

    /// `None`: the place is free.
    #[inline(always)]
    #[must_use]
    pub const fn from_word(word: u64) -> Option<Self> {
        if word == 0 { None } else { Some(Self(word)) }
    }

    #[inline(always)]
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }

    #[must_use]
    pub const fn server(self) -> u32 {
        (self.0 & Self::SERVER_MASK) as u32
    }

    /// Another packet has followed the SYN.
    #[inline(always)]
    #[must_use]
    pub const fn is_followed(self) -> bool {
        self.0 & Self::FOLLOWED != 0
    }

    /// It was counted as unanswered.
    #[inline(always)]
    #[must_use]
    pub const fn is_counted(self) -> bool {
        self.0 & Self::COUNTED != 0
    }

    #[must_use]
    pub const fn opened(self) -> Moment {
        Moment((self.0 >> Self::TIME) as u32)
    }

    #[inline(always)]
    #[must_use]
    pub const fn followed(self) -> Self {
        Self(self.0 | Self::FOLLOWED)
    }

    #[must_use]
    pub const fn counted(self) -> Self {
        Self(self.0 | Self::COUNTED)
    }

    #[inline(always)]
    const fn is_of(self, tag: Tag) -> bool {
        self.0 & Self::TAG_MASK == tag.bits()
    }

    #[inline(always)]
    const fn is_to(self, server: u32) -> bool {
        self.0 & Self::SERVER_MASK == server as u64
    }
}

/// Whether the SYN of a connection takes the place in which `word` lies: it is free, or nothing is
/// to be counted there any more. A SYN that is sent again does not, so that its time stays that of
/// the first.
#[inline(always)]
#[must_use]
pub const fn takes(word: u64, server: u32, tag: Tag) -> bool {
    match Sample::from_word(word) {
        None => true,
        Some(sample) => {
            let over = sample.is_counted() && !sample.is_followed();
            over && !(sample.is_of(tag) && sample.is_to(server))
        }
    }
}

/// What a packet of the connection that is no SYN makes of `word`; `None`: nothing.
#[inline(always)]
#[must_use]
pub const fn follow(word: u64, tag: Tag) -> Option<Sample> {
    match Sample::from_word(word) {
        Some(sample) if sample.is_of(tag) && !sample.is_followed() => Some(sample.followed()),
        Some(_) | None => None,
    }
}

/// Room for one sample: value of map `opened`.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Place {
    pub word: Word,
}

const _: () = {
    assert!(size_of::<Place>() == 8);
    assert!(Sample::SERVER_MASK + 1 >= crate::layout::MAX_REAL_SERVERS as u64);
    assert!(MAX_SAMPLE.is_power_of_two() && DEFAULT_SAMPLE.is_power_of_two());
};

#[cfg(test)]
mod tests;
