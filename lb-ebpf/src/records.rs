//! The maps of records: looking up, and writing once it is clear that the packet is ours.

use lb_common::layout::{RealServer, Settings};
use lb_common::reason::Note;
use lb_common::record::{self, Bucket, Key, PLACES, Place, Record, State};
use lb_common::rule::{Timeouts, Write};

use crate::count;
use crate::maps::{
    ENTRIES, EXCEPTIONS, EXCEPTIONS_MASK, FLOWS, FLOWS_MASK, PERSISTENCE, PERSISTENCE_MASK,
    REAL_SERVERS,
};

/// One of the maps of records.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum Map {
    Exceptions = 0,
    Persistence = 1,
    Flows = 2,
}

impl Map {
    #[inline(always)]
    const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Exceptions,
            1 => Self::Persistence,
            _ => Self::Flows,
        }
    }

    /// Where a key's record may be.
    #[inline(always)]
    fn numbers(self, key: Key, secret: u64) -> [u32; 2] {
        let mask = match self {
            Self::Exceptions => EXCEPTIONS_MASK.load(),
            Self::Persistence => PERSISTENCE_MASK.load(),
            Self::Flows => FLOWS_MASK.load(),
        };
        key.buckets(secret, mask)
    }

    #[inline(always)]
    fn bucket(self, number: u32) -> Option<&'static Bucket> {
        match self {
            Self::Exceptions => EXCEPTIONS.get(number),
            Self::Persistence => PERSISTENCE.get(number),
            Self::Flows => FLOWS.get(number),
        }
    }

    /// By what [`find_record`] gave.
    #[inline(always)]
    fn place(self, found: u32) -> Option<&'static Place> {
        let number = found.checked_sub(1)?;
        let bucket = self.bucket(number / PLACES as u32)?;
        bucket.places.get(number as usize % PLACES)
    }

    const fn full(self) -> Note {
        match self {
            Self::Exceptions => Note::ExceptionsFull,
            Self::Persistence => Note::PersistenceFull,
            Self::Flows => Note::FlowsFull,
        }
    }
}

/// Where a record is: bucket × 4 + place + 1, with the record itself in `found`; 0 = nowhere.
///
/// This and the functions below are exported so that the verifier looks at each once, by itself,
/// and not again at every way that leads to it: so they take and give numbers.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn find_record(map: u32, key: u64, secret: u64, found: *mut u64) -> u32 {
    // SAFETY: the caller's own, if it is not null.
    let Some(found) = (unsafe { found.as_mut() }) else {
        return 0;
    };
    let key = Key::from_word(key);
    let map = Map::from_number(map);
    for bucket in map.numbers(key, secret) {
        let Some(places) = map.bucket(bucket).map(|bucket| &bucket.places) else {
            return 0;
        };
        for (place, number) in places.iter().zip(1..) {
            if let Some(record) = place.record_of(key) {
                *found = record.word();
                return bucket * PLACES as u32 + number;
            }
        }
    }
    0
}

/// 1 if there was room.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn store_record(
    map: u32,
    key: u64,
    record: u64,
    secret: u64,
    now: u64,
) -> u32 {
    let key = Key::from_word(key);
    let map = Map::from_number(map);
    let [first, second] = map.numbers(key, secret);
    let (Some(first), Some(second)) = (map.bucket(first), map.bucket(second)) else {
        return 0;
    };
    let record = Record::from_word(record);
    u32::from(record::store([first, second], key, record, now))
}

/// 1 if nobody was faster.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn touch_record(map: u32, place: u32, seen: u64, new: u64) -> u32 {
    let place = Map::from_number(map).place(place);
    let (seen, new) = (Record::from_word(seen), Record::from_word(new));
    u32::from(place.is_some_and(|place| place.exchange(seen, new)))
}

/// What a map says about a key.
pub(crate) struct Looked {
    map: Map,
    key: Key,
    /// Where the record is, whether it counts or not; 0 = nowhere.
    place: u32,
    seen: Record,
    /// It counts: where its server is in `real_servers`; else 0.
    pub(crate) entry: u32,
}

impl Looked {
    #[inline(always)]
    pub(crate) fn up(map: Map, key: Key, settings: &Settings, timeouts: &Timeouts) -> Self {
        let mut found = 0;
        let place = find_record(map as u32, key.word(), settings.secret, &raw mut found);
        let seen = Record::from_word(found);
        let alive = place != 0 && seen.age(settings.now) <= timeouts.of(seen.state());
        let entry = if alive { entry_of(seen.server()) } else { 0 };
        Self {
            map,
            key,
            place,
            seen,
            entry,
        }
    }

    #[inline(always)]
    pub(crate) fn found(&self) -> Option<State> {
        (self.entry != 0).then_some(self.seen.state())
    }

    /// The server's id, if the record counts.
    #[inline(always)]
    pub(crate) fn server(&self) -> Option<u32> {
        (self.entry != 0).then_some(self.seen.server())
    }

    /// There is a record which does not count.
    #[inline(always)]
    pub(crate) const fn is_stale(&self) -> bool {
        self.place != 0 && self.entry == 0
    }

    /// What is to be written for a packet that goes to the server with the id `server`.
    #[inline(always)]
    pub(crate) fn pending(
        &self,
        write: Write,
        server: u32,
        slot: u32,
        table: u32,
        now: u64,
    ) -> Pending {
        match write {
            Write::Touch(state) if self.place != 0 => {
                let new = self.seen.touched(state, now);
                let kind = if new == self.seen {
                    Pending::NOTHING
                } else {
                    Pending::TOUCH
                };
                let (expected, record) = (self.seen.word(), new.word());
                Pending::new(kind, self.map, self.place, expected, record)
            }
            Write::Store(state) => {
                let record = Record::new(server, slot, state, table, now).word();
                Pending::new(Pending::STORE, self.map, 0, self.key.word(), record)
            }
            Write::Touch(_) | Write::Nothing => Pending::default(),
        }
    }
}

/// A write that waits until it is clear that the packet is ours.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Pending {
    /// What is to be done, and with which map: kind × 4 + map.
    kind_map: u32,
    place: u32,
    /// Of a touch the record that was seen, of a store the key.
    expected: u64,
    record: u64,
}

/// What was written.
pub(crate) enum Written {
    Nothing,
    Touched { before: Record, after: Record },
    Stored { record: Record },
}

impl Pending {
    const NOTHING: u32 = 0;
    const TOUCH: u32 = 1;
    const STORE: u32 = 2;

    /// Written in whole words, as the verifier wants them on the stack.
    #[inline(always)]
    const fn new(kind: u32, map: Map, place: u32, expected: u64, record: u64) -> Self {
        Self {
            kind_map: kind * 4 + map as u32,
            place,
            expected,
            record,
        }
    }

    #[inline(always)]
    pub(crate) const fn changes_something(&self) -> bool {
        self.kind_map / 4 != Self::NOTHING
    }

    #[inline(always)]
    pub(crate) fn commit(&self, settings: &Settings) -> Written {
        let map = self.kind_map % 4;
        match self.kind_map / 4 {
            Self::TOUCH => {
                // Who comes second lost nothing: the first one's packet was as recent.
                if touch_record(map, self.place, self.expected, self.record) == 0 {
                    return Written::Nothing;
                }
                Written::Touched {
                    before: Record::from_word(self.expected),
                    after: Record::from_word(self.record),
                }
            }
            Self::STORE => {
                let (secret, now) = (settings.secret, settings.now);
                if store_record(map, self.expected, self.record, secret, now) == 0 {
                    count::noted(Map::from_number(map).full());
                    return Written::Nothing;
                }
                Written::Stored {
                    record: Record::from_word(self.record),
                }
            }
            _ => Written::Nothing,
        }
    }
}

/// Where the server with this id is in `real_servers`, if it takes packets; else 0.
#[inline(always)]
pub(crate) fn entry_of(id: u32) -> u32 {
    ENTRIES.get(id).map_or(0, |entry| *entry as u32)
}

/// The real server at this index; 0 = none.
#[inline(always)]
pub(crate) fn entry(index: u32) -> Option<&'static RealServer> {
    if index == 0 {
        return None;
    }
    REAL_SERVERS.get(index)
}
