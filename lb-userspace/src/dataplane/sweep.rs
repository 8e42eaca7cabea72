//! Looking through the records of connections and clients: which are void, and what the others
//! say. PURE, but for the records themselves, which lie in memory that the program shares.

use std::collections::BTreeMap;

use lb_common::layout::{Load, MAX_REAL_SERVERS, MAX_SERVICES, Service};
use lb_common::record::{Place, Record, State};

use super::plan::{Applied, AppliedService, Keeps};

/// The maps of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    Exceptions,
    Persistence,
    Flows,
}

/// A server by its id.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Table of its service.
    table: u32,
    /// It takes packets.
    usable: bool,
    /// It takes new clients.
    open: bool,
}

/// A look through the maps; all of its parts are of one state of tables.
pub struct Scan<'a> {
    now: u64,
    /// By table.
    services: Vec<Option<(Keeps, &'a AppliedService)>>,
    /// By id.
    servers: Vec<Known>,
    census: Census,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Connections that have records, by server's id.
    loads: Vec<Load>,
    /// By table, the slots for which a record says something else than `current`.
    disagreeing: BTreeMap<u32, Vec<bool>>,
    kept: [usize; 3],
    removed: usize,
}

impl<'a> Scan<'a> {
    #[must_use]
    pub fn new(applied: &'a Applied, now: u64) -> Self {
        let mut services = vec![None; MAX_SERVICES as usize];
        let mut servers = vec![Known::default(); MAX_REAL_SERVERS as usize];
        for (key, service) in &applied.services {
            let service: &AppliedService = service;
            let table = service.value.table;
            services[table as usize] = Some((Keeps::of(key, service.value.flags), service));
            for (id, server) in service.servers() {
                servers[id as usize] = Known {
                    table,
                    usable: server.is_usable(),
                    open: server.share() > 0,
                };
            }
        }
        Self {
            now,
            services,
            servers,
            census: Census::default(),
        }
    }

    /// Looks through the places of a map, and empties those whose record is void.
    pub fn places<'p>(&mut self, map: Records, places: impl IntoIterator<Item = &'p Place>) {
        for place in places {
            // A packet may touch a record while it is looked at: then it is looked at again.
            while let Some((key, record)) = place.read() {
                if self.keep(map, record) {
                    break;
                }
                if place.remove(key, record) {
                    self.census.removed += 1;
                    break;
                }
            }
        }
    }

    /// Whether the record counts, which is then counted; else it is to be removed.
    pub fn keep(&mut self, map: Records, record: Record) -> bool {
        let Some(Some((keeps, service))) = self.services.get(record.table() as usize).copied()
        else {
            return false;
        };
        let server = self.servers[record.server() as usize];
        if !server.usable || server.table != record.table() {
            return false;
        }
        let kept = match map {
            Records::Exceptions => self.keep_exception(keeps, service, record),
            Records::Persistence => server.open && self.keep_client(keeps, service, record),
            Records::Flows => keeps == Keeps::Flows && !self.is_over(service, record),
        };
        if kept {
            self.census.kept[map as usize] += 1;
            if map != Records::Persistence {
                self.census.count(record);
            }
        }
        kept
    }

    #[must_use]
    pub fn finish(self) -> Census {
        self.census
    }

    fn keep_exception(&mut self, keeps: Keeps, service: &AppliedService, record: Record) -> bool {
        if keeps != Keeps::Slots || self.is_over(service, record) {
            return false;
        }
        let Some(slot) = service.slots.get(record.slot()) else {
            return false;
        };
        let agrees = record.server() == slot.current();
        if agrees && !slot.is_settling() {
            return false;
        }
        if !agrees {
            self.census.mark(service, record);
        }
        true
    }

    fn keep_client(&mut self, keeps: Keeps, service: &AppliedService, record: Record) -> bool {
        if service.value.flags & Service::PERSISTENT == 0
            || record.age(self.now) > service.value.persistence
        {
            return false;
        }
        if keeps != Keeps::Slots {
            return true;
        }
        let Some(slot) = service.slots.get(record.slot()) else {
            return false;
        };
        if record.server() != slot.current() {
            self.census.mark(service, record);
        }
        true
    }

    fn is_over(&self, service: &AppliedService, record: Record) -> bool {
        record.age(self.now) > service.value.timeouts().of(record.state())
    }
}

impl Default for Census {
    fn default() -> Self {
        Self {
            loads: vec![Load::default(); MAX_REAL_SERVERS as usize],
            disagreeing: BTreeMap::new(),
            kept: [0; 3],
            removed: 0,
        }
    }
}

impl Census {
    /// Connections of a server (by id) that have records.
    #[must_use]
    pub fn connections(&self, id: u32) -> u32 {
        let load = self.load(id);
        load.active + load.inactive
    }

    #[must_use]
    pub fn load(&self, id: u32) -> Load {
        self.loads.get(id as usize).copied().unwrap_or_default()
    }

    /// Records that count in a map.
    #[must_use]
    pub const fn records(&self, map: Records) -> usize {
        self.kept[map as usize]
    }

    /// Records that were removed.
    #[must_use]
    pub const fn removed(&self) -> usize {
        self.removed
    }

    pub(super) fn disagrees(&self, table: u32) -> bool {
        self.disagreeing.contains_key(&table)
    }

    pub(super) fn disagrees_in(&self, table: u32, slot: usize) -> bool {
        let slots = self.disagreeing.get(&table);
        slots.and_then(|slots| slots.get(slot)) == Some(&true)
    }

    fn mark(&mut self, service: &AppliedService, record: Record) {
        let none = || vec![false; service.slots.len()];
        let slots = self.disagreeing.entry(record.table()).or_insert_with(none);
        // The slot was found in the table.
        slots[record.slot() as usize] = true;
    }

    fn count(&mut self, record: Record) {
        // A record's server has 14 bits, as many as there are ids.
        let load = &mut self.loads[record.server() as usize];
        match record.state() {
            State::Established => load.active += 1,
            State::Opening | State::Unconfirmed | State::Closing => load.inactive += 1,
        }
    }
}

#[cfg(test)]
mod tests;
