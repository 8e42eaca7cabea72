//! The data plane without a kernel: the rule of lb-common over hash maps, and the daemon's own
//! pure functions around it.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use lb_common::hash::word_of;
use lb_common::layout::{RealServer, Service, Slot, words};
use lb_common::maglev::{self, TableSize};
use lb_common::record::{Key, Record, State};
use lb_common::rule::{self, Choice, Segment, Timeouts, Write};
use lb_common::sh;
use lb_userspace::dataplane::plan::{Applied, Changes};
use lb_userspace::dataplane::sweep::{Records, Scan};
use lb_userspace::dataplane::table::{ForwardingTable, Mac, address_bytes};

use super::world::{Connection, key};

const SECRET: u64 = 0;

type Map = HashMap<Key, Record>;

pub(crate) struct Reference {
    applied: Applied,
    size: TableSize,
    pub(crate) now: u64,
    exceptions: Map,
    persistence: Map,
    /// As packets see them.
    tables: BTreeMap<u32, Vec<Slot>>,
    servers: BTreeMap<u32, RealServer>,
    entries: Vec<u32>,
}

/// What a map says about a key.
struct Looked {
    key: Key,
    record: Option<Record>,
    /// The record counts: where its server is.
    entry: Option<u32>,
}

impl Looked {
    fn found(&self) -> Option<State> {
        self.entry.and(self.record).map(Record::state)
    }

    fn is_stale(&self) -> bool {
        self.record.is_some() && self.entry.is_none()
    }
}

impl Reference {
    pub(crate) fn new(size: TableSize, now: u64) -> Self {
        Self {
            applied: Applied::default(),
            size,
            now,
            exceptions: Map::new(),
            persistence: Map::new(),
            tables: BTreeMap::new(),
            servers: BTreeMap::new(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, table: &ForwardingTable) -> Result<()> {
        let (changes, next) = self.applied.plan(table, self.size, self.now)?;
        self.take(changes, next);
        Ok(())
    }

    pub(crate) fn sweep(&mut self) {
        let mut scan = Scan::new(&self.applied, self.now);
        let maps = [
            (Records::Exceptions, &mut self.exceptions),
            (Records::Persistence, &mut self.persistence),
        ];
        for (name, map) in maps {
            map.retain(|_, record| scan.keep(name, *record));
        }
        let census = scan.finish();
        let (changes, next) = self.applied.sweep(&census, self.size, self.now);
        self.take(changes, next);
    }

    fn take(&mut self, changes: Changes, next: Applied) {
        for map in [&mut self.exceptions, &mut self.persistence] {
            map.retain(|_, record| !changes.purge.contains(&record.server()));
        }
        self.applied = next;
        self.applied.reclaim(&changes.retired);
        self.tables = self.applied.tables(self.size).collect();
        self.servers = self.applied.real_servers().collect();
        self.entries = self.applied.entries();
    }

    /// Where a packet goes; `None`: no server.
    pub(crate) fn packet(&mut self, from: Connection, segment: Segment) -> Result<Option<Mac>> {
        let mut services = self.applied.services();
        let found = services.find(|(found, _)| **found == key(from.service));
        let service = *found.context("a service of the table")?.1;
        let flow = from.flow();
        let whole = words(address_bytes(flow.client.ip()));
        let mask = words(service.client_mask);
        let client = [whole[0] & mask[0], whole[1] & mask[1]];
        let begins = matches!(segment, Segment::Open | Segment::Datagram);
        let remembered = (service.flags & Service::PERSISTENT != 0 && begins).then(|| {
            let timeout = service.persistence;
            let timeouts = Timeouts {
                opening: timeout,
                established: timeout,
                closing: timeout,
            };
            let key = Key::new(service.table, client, 0, SECRET);
            self.look(&self.persistence, key, &timeouts)
        });
        let client_entry = remembered.as_ref().and_then(|looked| looked.entry);
        let (index, slot) = self.slot(&service, client, flow.client.port())?;
        let (entry, choice, write) = if slot.flags() == 0 {
            (slot.current(), Choice::Current, None)
        } else {
            let by_client = service.flags & Service::BY_CLIENT != 0;
            let port = if by_client { 0 } else { flow.client.port() };
            let timeouts = Timeouts {
                opening: service.opening.into(),
                established: service.established,
                closing: service.closing.into(),
            };
            let key = Key::new(service.table, whole, port, SECRET);
            let looked = self.look(&self.exceptions, key, &timeouts);
            let client = client_entry.is_some();
            let decision = rule::unstable(slot, segment, looked.found(), looked.is_stale(), client);
            let entry = match decision.choice {
                Choice::Current => Some(slot.current()),
                Choice::Previous => Some(slot.previous()),
                Choice::Recorded => looked.entry,
                Choice::Client => client_entry,
            };
            let entry = entry.context("the rule chose what was not found")?;
            (entry, decision.choice, Some((looked, decision.write)))
        };
        let Some(server) = self.servers.get(&entry).copied() else {
            return Ok(None);
        };
        let written = |looked: &Looked, write| match write {
            Write::Nothing => None,
            Write::Touch(state) => Some((looked.key, looked.record?.touched(state, self.now))),
            Write::Store(state) => {
                let record = Record::new(server.id, index, state, service.table, self.now);
                Some((looked.key, record))
            }
        };
        let stored = write.and_then(|(looked, write)| written(&looked, write));
        let client = remembered.and_then(|looked| {
            let known = looked.entry.and(looked.record);
            let same = known.is_some_and(|known| known.server() == server.id);
            written(&looked, rule::of_client(segment, choice, same))
        });
        self.exceptions.extend(stored);
        self.persistence.extend(client);
        Ok(Some(Mac(server.mac)))
    }

    fn slot(&self, service: &Service, client: [u64; 2], port: u16) -> Result<(u32, Slot)> {
        let hashed = service.flags & Service::PORT != 0;
        let word = word_of(client, if hashed { port } else { 0 });
        let index = if service.flags & Service::SH != 0 {
            sh::slot(word)
        } else {
            maglev::slot(word, self.size.slots())
        };
        let table = self.tables.get(&service.table).context("a table")?;
        Ok((index, table[index as usize]))
    }

    fn look(&self, map: &Map, key: Key, timeouts: &Timeouts) -> Looked {
        let record = map.get(&key).copied();
        let alive = record.filter(|record| record.age(self.now) <= timeouts.of(record.state()));
        let entry = alive.map(|record| self.entries[record.server() as usize]);
        Looked {
            key,
            record,
            entry: entry.filter(|entry| *entry != 0),
        }
    }
}
