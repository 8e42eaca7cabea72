//! Records of connections and clients: a hash table in a plain array of cache lines.
//!
//! A key has two buckets of four places each. The program looks keys up, stores and touches
//! records; the daemon, which has the array in its memory, removes what is over. Both do it
//! without locks: a place is taken by an exchange of its key, and a record is touched by an
//! exchange of its value, so that whoever comes second does nothing.
//!
//! Nobody's record is pushed out by a packet unless it has been seen only once
//! ([`State::is_evictable`]): a flood of forged packets cannot make established connections
//! homeless.

use crate::atomic::Word;
use crate::hash::siphash;

/// Records that a map has room for if nobody says otherwise.
pub const DEFAULT_ROOM: u32 = 1 << 18;
/// Places of a bucket.
pub const PLACES: usize = 4;

/// Who a record is about. Never 0, which is an empty place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

impl Key {
    const EMPTY: u64 = 0;
    /// A place that is being filled.
    const TAKEN: u64 = u64::MAX;
    const FAMILY_SHIFT: u32 = 60;
    const V4: u64 = 1 << Self::FAMILY_SHIFT;
    const V6: u64 = 2 << Self::FAMILY_SHIFT;

    /// A client's connection with the service that has this table, or with `port` 0 the client.
    ///
    /// IPv4 is exact: 12 bits of table, the address, the port. IPv6 is 60 bits of a keyed hash.
    #[inline(always)]
    #[must_use]
    pub const fn new(table: u32, client: [u64; 2], port: u16, secret: u64) -> Self {
        const MAPPED: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);
        let [high, low] = client;
        let rest = (table as u64) << 16 | port as u64;
        if high == 0 && low as u32 == MAPPED {
            return Self(Self::V4 | rest << 32 | low >> 32);
        }
        let hash = siphash([high, low, rest], secret);
        Self(Self::V6 | hash & ((1 << Self::FAMILY_SHIFT) - 1))
    }

    /// The key as a number: a program's functions pass numbers to each other.
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

    /// Where the key's record may be, among `mask + 1` buckets.
    #[inline(always)]
    #[must_use]
    pub const fn buckets(self, secret: u64, mask: u32) -> [u32; 2] {
        const FIRST: u64 = 0x6a09_e667_f3bc_c909;
        const SECOND: u64 = 0xbb67_ae85_84ca_a73b;
        let mixed = (self.0 ^ secret).wrapping_mul(FIRST);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(SECOND);
        let mixed = mixed ^ mixed >> 32;
        [mixed as u32 & mask, (mixed >> 32) as u32 & mask]
    }
}

/// What was seen of a connection.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The packet that opens it.
    Opening = 1,
    /// One packet of a connection that was opened before.
    Unconfirmed = 2,
    /// More than one packet.
    Established = 3,
    /// Its end.
    Closing = 4,
}

impl State {
    #[inline(always)]
    const fn from_bits(bits: u64) -> Self {
        match bits {
            1 => Self::Opening,
            2 => Self::Unconfirmed,
            3 => Self::Established,
            _ => Self::Closing,
        }
    }

    /// Whether another's record may take its place.
    #[inline(always)]
    #[must_use]
    pub const fn is_evictable(self) -> bool {
        matches!(self, Self::Opening | Self::Unconfirmed)
    }
}

/// What is recorded, in one word.
///
/// Bits 0–13 the real server's id, 14–30 the slot, 31–33 the state, 34–45 the service's table,
/// 46–63 the low bits of the time of the last packet, in seconds of [`crate::layout::Settings`].
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Record(u64);

impl Record {
    const SERVER_MASK: u64 = (1 << Self::SLOT) - 1;
    const SLOT: u32 = 14;
    const SLOT_MASK: u64 = (1 << (Self::STATE - Self::SLOT)) - 1;
    const STATE: u32 = 31;
    const STATE_MASK: u64 = (1 << (Self::TABLE - Self::STATE)) - 1;
    const TABLE: u32 = 34;
    const TABLE_MASK: u64 = (1 << (Self::TIME - Self::TABLE)) - 1;
    const TIME: u32 = 46;
    const TIME_MASK: u64 = (1 << (64 - Self::TIME)) - 1;
    /// The longest timeout, in seconds: the time's low bits tell older records from younger ones
    /// up to twice that.
    pub const LONGEST: u32 = 1 << 17;

    #[inline(always)]
    #[must_use]
    pub const fn new(server: u32, slot: u32, state: State, table: u32, now: u64) -> Self {
        Self(
            server as u64 & Self::SERVER_MASK
                | (slot as u64 & Self::SLOT_MASK) << Self::SLOT
                | (state as u64) << Self::STATE
                | (table as u64 & Self::TABLE_MASK) << Self::TABLE
                | now << Self::TIME,
        )
    }

    /// The record as a number.
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

    /// The same after a packet.
    #[inline(always)]
    #[must_use]
    pub const fn touched(self, state: State, now: u64) -> Self {
        let kept =
            Self::SERVER_MASK | Self::SLOT_MASK << Self::SLOT | Self::TABLE_MASK << Self::TABLE;
        Self(self.0 & kept | (state as u64) << Self::STATE | now << Self::TIME)
    }

    #[inline(always)]
    #[must_use]
    pub const fn server(self) -> u32 {
        (self.0 & Self::SERVER_MASK) as u32
    }

    #[inline(always)]
    #[must_use]
    pub const fn slot(self) -> u32 {
        (self.0 >> Self::SLOT & Self::SLOT_MASK) as u32
    }

    #[inline(always)]
    #[must_use]
    pub const fn state(self) -> State {
        State::from_bits(self.0 >> Self::STATE & Self::STATE_MASK)
    }

    #[inline(always)]
    #[must_use]
    pub const fn table(self) -> u32 {
        (self.0 >> Self::TABLE & Self::TABLE_MASK) as u32
    }

    /// Seconds since the last packet.
    #[inline(always)]
    #[must_use]
    pub const fn age(self, now: u64) -> u32 {
        (now.wrapping_sub(self.0 >> Self::TIME) & Self::TIME_MASK) as u32
    }
}

/// Room for one record.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Place {
    key: Word,
    record: Word,
}

/// Value of maps `exceptions`, `persistence` and `flows`: one cache line.
#[repr(C)]
#[derive(Debug, Default)]
pub struct Bucket {
    pub places: [Place; PLACES],
}

impl Place {
    /// The record that is here, with its key.
    #[inline(always)]
    #[must_use]
    pub fn read(&self) -> Option<(Key, Record)> {
        let key = self.key.load();
        if key == Key::EMPTY || key == Key::TAKEN {
            return None;
        }
        self.record_of(Key(key)).map(|record| (Key(key), record))
    }

    /// The record of `key`, if it is here.
    #[inline(always)]
    #[must_use]
    pub fn record_of(&self, key: Key) -> Option<Record> {
        if self.key.load() != key.0 {
            return None;
        }
        let record = Record(self.record.load());
        // Another's record may have come in between.
        (self.key.load() == key.0).then_some(record)
    }

    /// Replaces `seen` by a newer record of the same key, unless somebody was faster.
    #[inline(always)]
    pub fn exchange(&self, seen: Record, new: Record) -> bool {
        self.record.exchange(seen.0, new.0)
    }

    /// Takes the place from the key that was seen here and gives it to another; `false` if
    /// somebody was faster.
    #[inline(always)]
    fn take(&self, seen: u64, key: Key, record: Record) -> bool {
        if !self.key.exchange(seen, Key::TAKEN) {
            return false;
        }
        self.record.store(record.0);
        self.key.store(key.0);
        true
    }

    /// Empties the place if `seen` is still in it. For the daemon: a packet that touches the
    /// record at the same time keeps it.
    pub fn remove(&self, key: Key, seen: Record) -> bool {
        let gone = Record(0);
        if !self.exchange(seen, gone) {
            return false;
        }
        // A record of nobody: whoever reads it meets server 0, which is none.
        self.key.exchange(key.0, Key::EMPTY)
    }
}

/// The record of `key`, with the place it lies in.
#[inline(always)]
#[must_use]
pub fn find(buckets: [&Bucket; 2], key: Key) -> Option<(&Place, Record)> {
    for bucket in buckets {
        for place in &bucket.places {
            if let Some(record) = place.record_of(key) {
                return Some((place, record));
            }
        }
    }
    None
}

/// Puts a record into one of its key's buckets: over an older one of the same key, into an empty
/// place, or over the oldest that [may go](State::is_evictable). `false` if there is no room.
#[inline(always)]
#[must_use]
pub fn store(buckets: [&Bucket; 2], key: Key, record: Record, now: u64) -> bool {
    if let Some((place, seen)) = find(buckets, key) {
        return place.exchange(seen, record);
    }
    for bucket in buckets {
        for place in &bucket.places {
            if place.key.load() == Key::EMPTY && place.take(Key::EMPTY, key, record) {
                return true;
            }
        }
    }
    let mut oldest: Option<(&Place, Key)> = None;
    let mut age = 0;
    for bucket in buckets {
        for place in &bucket.places {
            if let Some((key, record)) = place.read()
                && record.state().is_evictable()
                && (oldest.is_none() || record.age(now) > age)
            {
                oldest = Some((place, key));
                age = record.age(now);
            }
        }
    }
    match oldest {
        Some((place, seen)) => place.take(seen.0, key, record),
        None => false,
    }
}

const _: () = {
    assert!(size_of::<Place>() == 16);
    assert!(size_of::<Bucket>() == 64);
    assert!(Record::TABLE_MASK + 1 >= crate::layout::MAX_SERVICES as u64);
    assert!(Record::SERVER_MASK + 1 >= crate::layout::MAX_REAL_SERVERS as u64);
    assert!(Record::SLOT_MASK >= 131_071);
    assert!(Record::TIME_MASK + 1 == 2 * Record::LONGEST as u64);
};

#[cfg(test)]
mod tests;
