//! Taking over what a former daemon left in the maps. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use lb_common::layout::{self, MAX_REAL_SERVERS, MAX_SERVICES, ServiceKey, Slot};
use lb_common::maglev::TableSize;
use lb_common::sh;

use super::super::slots::{SlotState, Slots};
use super::super::table::Mac;
use super::server::Server;
use super::service::{AppliedService, Keeps};
use super::{Applied, Indexes};

/// What is in the maps. It may contradict itself: the daemon may have died in the middle of a
/// change.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// With their inner maps.
    pub services: Vec<(ServiceKey, layout::Service, Vec<Slot>)>,
    /// Entries that were ever written, by index.
    pub real_servers: Vec<(u32, layout::RealServer)>,
    /// By id.
    pub entries: Vec<u32>,
    pub interfaces: Vec<(u32, Mac)>,
}

impl Applied {
    /// The state that the maps hold. Services whose table is another's or none are left out, and
    /// slots that lead nowhere are nobody's: the next plan fills them.
    #[must_use]
    pub fn adopt(found: Found, size: TableSize, now: u64) -> Self {
        let mut entries = BTreeMap::new();
        for (index, entry) in found.real_servers {
            let own = found.entries.get(entry.id as usize) == Some(&index);
            let known = (1..MAX_REAL_SERVERS).contains(&index);
            if own && known && (1..MAX_REAL_SERVERS).contains(&entry.id) {
                entries.insert(index, entry);
            }
        }
        let mut tables = BTreeSet::new();
        let mut services = BTreeMap::new();
        for (key, value, slots) in found.services {
            if value.table < MAX_SERVICES && tables.insert(value.table) {
                let service = adopt_service(&key, value, &slots, &entries, size, now);
                services.insert(key, Arc::new(service));
            }
        }
        let mut applied = Self {
            wildcards: services.keys().any(|key| key.port == 0),
            services,
            interfaces: found.interfaces.into_iter().collect(),
            exceptions: true,
            ..Self::default()
        };
        let used = |index: fn(&Server) -> u32| applied.all_servers().map(index).collect();
        let (indexes, ids) = (used(Server::index), used(|server| server.id));
        applied.entries = Indexes::without(1..MAX_REAL_SERVERS, &indexes);
        applied.ids = Indexes::without(1..MAX_REAL_SERVERS, &ids);
        applied.tables = Indexes::without(0..MAX_SERVICES, &tables);
        applied
    }
}

fn adopt_service(
    key: &ServiceKey,
    value: layout::Service,
    slots: &[Slot],
    entries: &BTreeMap<u32, layout::RealServer>,
    size: TableSize,
    now: u64,
) -> AppliedService {
    let own = entries
        .iter()
        .filter(|(_, entry)| entry.table == value.table && entry.port == key.port);
    let servers = own.map(|(&index, &entry)| {
        let address = Ipv6Addr::from(entry.address).to_canonical();
        let server = Server {
            id: entry.id,
            // Not known; until the next plan, those that take packets take clients.
            weight: 1,
            entry: Some((index, entry)),
            leaving: None,
        };
        (address, server)
    });
    let servers: BTreeMap<IpAddr, Server> = servers.collect();
    let ids: BTreeMap<u32, u32> = servers
        .values()
        .map(|server| (server.index(), server.id))
        .collect();
    let length = match Keeps::of(key, value.flags) {
        Keeps::Flows => value.length.min(size.slots().get()),
        Keeps::Slots | Keeps::Nothing if value.flags & layout::Service::SH != 0 => sh::SLOTS,
        Keeps::Slots | Keeps::Nothing => size.slots().get(),
    };
    let keeps = Keeps::of(key, value.flags) == Keeps::Slots;
    let states = (0..length as usize).map(|index| {
        let slot = slots.get(index).copied().unwrap_or_default();
        let state = adopt_slot(slot, &ids, now);
        let current = state.current();
        if keeps {
            state
        } else {
            SlotState::Stable { current }
        }
    });
    AppliedService {
        value,
        method: None,
        settling: value.established,
        slots: Slots::new(states),
        servers,
    }
}

/// `ids` are those of the service's entries.
fn adopt_slot(slot: Slot, ids: &BTreeMap<u32, u32>, now: u64) -> SlotState {
    let id = |index: u32| match index {
        0 => Some(0),
        _ => ids.get(&index).copied(),
    };
    let Some(current) = id(slot.current()) else {
        return SlotState::Stable { current: 0 };
    };
    match id(slot.previous()) {
        Some(previous) if previous != 0 && previous != current => SlotState::Settling {
            current,
            previous,
            since: now as u32,
        },
        Some(_) | None if slot.flags() != 0 => SlotState::Exceptional { current },
        Some(_) | None => SlotState::Stable { current },
    }
}

#[cfg(test)]
mod tests;
