//! The maps that hold state, in this process's memory: records, settings, and where servers are.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lb_common::layout::{LAYOUT_VERSION, Load, MAX_REAL_SERVERS, RealServer, Settings};
use lb_common::opened::{self as samples, PLACES};
use lb_common::record::{self, Bucket, Key, Place, Record};

use super::super::opened;
use super::super::plan::Needs;
use super::XdpError;
use super::load::Loaded;
use super::memory::Mapping;
use super::sizes::Sizes;

/// A map of records.
pub(super) struct Records(Mapping<Bucket>);

impl Records {
    pub(super) fn of(map: BorrowedFd<'_>, buckets: u32) -> io::Result<Self> {
        // SAFETY: the map has as many entries; a Bucket is made of atomics, and the program
        // changes it by atomic operations.
        unsafe { Mapping::new(map, buckets as usize) }.map(Self)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.values().iter().flat_map(|bucket| &bucket.places)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Place, Key, Record)> {
        let read = |place: &'_ Place| place.read();
        self.places()
            .filter_map(move |place| read(place).map(|(key, record)| (place, key, record)))
    }

    pub(super) fn room(&self) -> usize {
        self.0.values().len() * record::PLACES
    }

    pub(super) fn get(&self, key: Key, secret: u64) -> Option<Record> {
        record::find(self.buckets(key, secret), key).map(|(_, record)| record)
    }

    /// `false` if there is no room.
    pub(super) fn put(&self, key: Key, record: Record, secret: u64, now: u64) -> bool {
        record::store(self.buckets(key, secret), key, record, now)
    }

    fn buckets(&self, key: Key, secret: u64) -> [&Bucket; 2] {
        let all = self.0.values();
        // There is at least one bucket, and they are a power of two.
        let mask = all.len() as u32 - 1;
        key.buckets(secret, mask)
            .map(|bucket| &all[bucket as usize])
    }
}

pub(super) struct State {
    settings: Mapping<Settings>,
    pub(super) exceptions: Records,
    pub(super) persistence: Records,
    pub(super) flows: Records,
    entries: Mapping<AtomicU64>,
    loads: Mapping<AtomicU64>,
    real_servers: Mapping<RealServer>,
    opened: Mapping<samples::Place>,
}

impl State {
    pub(super) fn of(loaded: &Loaded) -> Result<Self, XdpError> {
        let sizes = *loaded.sizes();
        let [exceptions, persistence, flows] = sizes.buckets().map(|(map, buckets, _)| {
            let records = Records::of(loaded.map_fd(map)?, buckets);
            records.map_err(|error| XdpError::Map { map, error })
        });
        let servers = MAX_REAL_SERVERS as usize;
        let mut state = Self {
            settings: map(loaded, "settings", 1)?,
            exceptions: exceptions?,
            persistence: persistence?,
            flows: flows?,
            entries: map(loaded, "entries", servers)?,
            loads: map(loaded, "loads", servers)?,
            real_servers: map(loaded, "real_servers", servers)?,
            opened: map(loaded, "opened", PLACES as usize)?,
        };
        state.introduce(&sizes);
        Ok(state)
    }

    /// Fills the settings of a fresh map.
    fn introduce(&mut self, sizes: &Sizes) {
        let [settings] = self.settings.values_mut() else {
            return;
        };
        if settings.version == 0 {
            settings.version = LAYOUT_VERSION;
            settings.table_size = sizes.table.slots().get();
            settings.secret = random();
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.settings.values()[0].now
    }

    pub(super) fn secret(&self) -> u64 {
        self.settings.values()[0].secret
    }

    pub(super) fn set_now(&mut self, now: u64) {
        let settings = &mut self.settings.values_mut()[0];
        // SAFETY: a live, aligned word, which the program reads meanwhile.
        unsafe { AtomicU64::from_ptr(&raw mut settings.now) }.store(now, Relaxed);
    }

    /// Where the server with this id is in `real_servers`; 0 = it takes no packets.
    pub(super) fn entry(&self, id: u32) -> u32 {
        let entry = self.entries.values().get(id as usize);
        entry.map_or(0, |entry| entry.load(Relaxed) as u32)
    }

    pub(super) fn set_entry(&self, id: u32, index: u32) {
        if let Some(entry) = self.entries.values().get(id as usize) {
            entry.store(index.into(), Relaxed);
        }
    }

    pub(super) fn set_load(&self, id: u32, load: Load) {
        if let Some(both) = self.loads.values().get(id as usize) {
            both.store(
                u64::from(load.inactive) << 32 | u64::from(load.active),
                Relaxed,
            );
        }
    }

    /// All entries, by id.
    pub(super) fn entries(&self) -> Vec<u32> {
        let entries = self.entries.values().iter();
        entries.map(|entry| entry.load(Relaxed) as u32).collect()
    }

    /// Removes the records that name these servers.
    pub(super) fn purge(&self, ids: &[u32], needs: Needs) {
        let maps = [
            (&self.exceptions, needs.exceptions),
            (&self.persistence, needs.persistence),
            (&self.flows, needs.flows),
        ];
        let used = maps
            .into_iter()
            .filter(|(_, used)| *used && !ids.is_empty());
        for (map, _) in used {
            for (place, key, record) in map.all() {
                if ids.contains(&record.server()) {
                    // Touched in between: what a record says of a server without entry is void.
                    let _ = place.remove(key, record);
                }
            }
        }
    }

    /// Removes the samples that name these servers.
    pub(super) fn forget(&self, ids: &[u32]) {
        if !ids.is_empty() {
            opened::forget(self.samples(), ids);
        }
    }

    /// Takes over the records of a map of another size.
    pub(super) fn copy(&self, map: &str, former: &Records) {
        let to = match map {
            "exceptions" => &self.exceptions,
            "persistence" => &self.persistence,
            _ => &self.flows,
        };
        let (secret, now) = (self.secret(), self.now());
        let all = former.all();
        let lost = all
            .filter(|(_, key, record)| !to.put(*key, *record, secret, now))
            .count();
        if lost > 0 {
            tracing::warn!(
                map,
                lost,
                "the map is too small for the records that there were"
            );
        }
    }

    /// Room for samples of connections.
    pub(super) fn samples(&self) -> &[samples::Place] {
        self.opened.values()
    }

    pub(super) fn real_servers(&self) -> &[RealServer] {
        self.real_servers.values()
    }
}

fn map<T>(loaded: &Loaded, map: &'static str, length: usize) -> Result<Mapping<T>, XdpError> {
    let fd = loaded.map_fd(map)?;
    // SAFETY: the map's layout in lb-common is T, made of integers or atomics, and it has as many
    // entries.
    unsafe { Mapping::new(fd, length) }.map_err(|error| XdpError::Map { map, error })
}

/// A number that nobody outside can guess.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    // Keyed by the kernel's random numbers.
    RandomState::new().build_hasher().finish()
}
