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

/// Where a record is: bucket × 4 + place + 1; 0 = nowhere.
///
/// This and [`store_record`] are exported so that the verifier looks at them once, by themselves,
/// and not again at every way that leads to them.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn find_record(map: u32, key: u64, secret: u64) -> u32 {
    let key = Key::from_word(key);
    let map = Map::from_number(map);
    for bucket in map.numbers(key, secret) {
        let Some(places) = map.bucket(bucket).map(|bucket| &bucket.places) else {
            return 0;
        };
        for (place, number) in places.iter().zip(1..) {
            if place.record_of(key).is_some() {
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
    u32::from(record::store(
        [first, second],
        key,
        Record::from_word(record),
        now,
    ))
}

/// What a map says about a key.
pub(crate) struct Looked {
    map: Map,
    key: Key,
    /// The record as it is, whether it counts or not.
    seen: Option<(&'static Place, Record)>,
    /// It counts: its server.
    pub(crate) server: Option<&'static RealServer>,
}

impl Looked {
    #[inline(always)]
    pub(crate) fn up(map: Map, key: Key, settings: &Settings, timeouts: &Timeouts) -> Self {
        let found = find_record(map as u32, key.word(), settings.secret);
        let seen = map
            .place(found)
            .and_then(|place| Some((place, place.record_of(key)?)));
        let server = seen.and_then(|(_, record)| {
            let alive = record.age(settings.now) <= timeouts.of(record.state());
            if alive { usable(record.server()) } else { None }
        });
        Self {
            map,
            key,
            seen,
            server,
        }
    }

    #[inline(always)]
    pub(crate) fn found(&self) -> Option<State> {
        let (_, record) = self.seen?;
        self.server?;
        Some(record.state())
    }

    /// There is a record which does not count.
    #[inline(always)]
    pub(crate) const fn is_stale(&self) -> bool {
        self.seen.is_some() && self.server.is_none()
    }

    /// What is to be written for a packet that goes to `server`.
    #[inline(always)]
    pub(crate) fn pending(
        self,
        write: Write,
        server: &RealServer,
        slot: u32,
        table: u32,
        now: u64,
    ) -> Pending {
        match (write, self.seen) {
            (Write::Touch(state), Some((place, seen))) => {
                let new = seen.touched(state, now);
                if new == seen {
                    Pending::Nothing
                } else {
                    Pending::Touch { place, seen, new }
                }
            }
            (Write::Store(state), _) => Pending::Store {
                map: self.map,
                key: self.key,
                record: Record::new(server.id, slot, state, table, now),
            },
            (Write::Touch(_), None) | (Write::Nothing, _) => Pending::Nothing,
        }
    }
}

/// A write that waits until it is clear that the packet is ours.
pub(crate) enum Pending {
    Nothing,
    Touch {
        place: &'static Place,
        seen: Record,
        new: Record,
    },
    Store {
        map: Map,
        key: Key,
        record: Record,
    },
}

/// What was written.
pub(crate) enum Written {
    Nothing,
    Touched { before: Record, after: Record },
    Stored { record: Record },
}

impl Pending {
    #[inline(always)]
    pub(crate) fn commit(self, settings: &Settings) -> Written {
        match self {
            Self::Nothing => Written::Nothing,
            Self::Touch { place, seen, new } => {
                // Who comes second lost nothing: the first one's packet was as recent.
                if place.exchange(seen, new) {
                    Written::Touched {
                        before: seen,
                        after: new,
                    }
                } else {
                    Written::Nothing
                }
            }
            Self::Store { map, key, record } => {
                let (secret, now) = (settings.secret, settings.now);
                if store_record(map as u32, key.word(), record.word(), secret, now) == 0 {
                    count::noted(map.full());
                    return Written::Nothing;
                }
                Written::Stored { record }
            }
        }
    }
}

/// The real server with this id, if it takes packets.
#[inline(always)]
pub(crate) fn usable(id: u32) -> Option<&'static RealServer> {
    entry(*ENTRIES.get(id)? as u32)
}

/// The real server at this index; 0 = none.
#[inline(always)]
pub(crate) fn entry(index: u32) -> Option<&'static RealServer> {
    if index == 0 {
        return None;
    }
    REAL_SERVERS.get(index)
}
