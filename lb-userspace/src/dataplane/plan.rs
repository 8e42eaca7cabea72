//! From what is applied and what is wanted to the writes between them. PURE.
//!
//! Entries of `real_servers` that a table refers to never change: a server whose MAC changed
//! gets a new entry, and the tables are swapped over to it, so no packet sees half a change.
//! Indexes that fall out of use are [`Retired`] and may be given out again only after the
//! kernel's grace period, when no running program can still hold them.
//!
//! A server that leaves the configuration while it takes packets stays until the connections
//! that it has are over: `sweep` finds that out from the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use lb_common::index::IndexEntry;
use lb_common::layout::{self, MAX_REAL_SERVERS, MAX_SERVICES, ServiceKey, Slot};
use lb_common::maglev::TableSize;
use lb_common::sh;

use super::index;
use super::table::{ForwardingTable, Mac};

mod adopt;
mod expected;
mod fill;
mod indexes;
mod server;
mod service;
mod status;
mod sweep;

pub use adopt::Found;
pub use status::ServerStatus;
pub use sweep::Needs;

use indexes::Indexes;
pub(super) use service::{AppliedService, Keeps};

/// What the kernel holds, with the indexes given to each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Shared by the states before and after a change, as far as it does not concern them.
    pub(super) services: BTreeMap<ServiceKey, Arc<AppliedService>>,
    interfaces: BTreeMap<u32, Mac>,
    entries: Indexes,
    ids: Indexes,
    tables: Indexes,
    /// There are services on port 0.
    wildcards: bool,
    /// There may be records in `exceptions`.
    exceptions: bool,
}

/// The writes, in the order in which they are to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ids whose counters and loads start anew.
    pub clear_counters: Vec<u32>,
    /// Entries that no table refers to yet.
    pub real_servers: Vec<(u32, layout::RealServer)>,
    pub set_interfaces: Vec<(u32, Mac)>,
    /// For ids, where they are in `real_servers` now; 0 = they take no packets.
    pub entries: Vec<(u32, u32)>,
    /// Whole tables, to be swapped in together; each has [`capacity`] slots.
    pub tables: Vec<(u32, Vec<Slot>)>,
    pub set_services: Vec<(ServiceKey, layout::Service)>,
    pub remove_services: Vec<ServiceKey>,
    /// The program's whole index of services, if any of them changed.
    pub index: Option<BTreeMap<u32, IndexEntry>>,
    /// Whether there are services on port 0, if that changed.
    pub wildcards: Option<bool>,
    pub remove_interfaces: Vec<u32>,
    /// Connections of ids, as counted.
    pub loads: Vec<(u32, layout::Load)>,
    /// Ids whose records are void. They are to be removed before these ids are reclaimed.
    pub purge: Vec<u32>,
    pub retired: Retired,
}

/// Indexes out of use, to be returned by [`Applied::reclaim`] after a grace period.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Retired {
    entries: Vec<u32>,
    /// Ids, with the service whose totals their counters are part of.
    pub counters: Vec<(ServiceKey, u32)>,
    /// Their inner maps are to be removed from `tables`.
    pub tables: Vec<u32>,
}

/// The kernel's maps are too small for what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("more than {} services", MAX_SERVICES)]
    Services,
    #[error("no place in the index for the service with key {0:?}: change its port")]
    Index(ServiceKey),
    #[error("more than {} real servers over all services", MAX_REAL_SERVERS - 1)]
    RealServers,
}

/// Slots of every inner map of `tables`: some services use fewer of them.
#[must_use]
pub fn capacity(size: TableSize) -> u32 {
    size.slots().get().max(sh::SLOTS)
}

impl Changes {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Applied {
    fn default() -> Self {
        Self {
            services: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            // 0 means "none", in a slot and in a record.
            entries: Indexes::new(1..MAX_REAL_SERVERS),
            ids: Indexes::new(1..MAX_REAL_SERVERS),
            tables: Indexes::new(0..MAX_SERVICES),
            wildcards: false,
            exceptions: false,
        }
    }
}

impl Applied {
    /// Gives indexes free for use again, once no program can hold them any more.
    pub fn reclaim(&mut self, retired: &Retired) {
        self.entries.give(retired.entries.iter().copied());
        self.ids.give(retired.counters.iter().map(|&(_, id)| id));
        self.tables.give(retired.tables.iter().copied());
    }

    /// The writes that lead to `desired`, and the state after them. `now` is
    /// [`layout::Settings::now`].
    ///
    /// # Errors
    /// `desired` does not fit into the kernel's maps; nothing is changed then.
    pub fn plan(
        &self,
        desired: &ForwardingTable,
        size: TableSize,
        now: u64,
    ) -> Result<(Changes, Self), Full> {
        let mut next = self.clone();
        let mut changes = Changes::default();
        let gone = |key: &&ServiceKey| !desired.services.contains_key(key);
        for key in self.services.keys().filter(gone) {
            next.remove_service(*key, &mut changes);
        }
        for (key, service) in &desired.services {
            next.plan_service(key, service, size, now, &mut changes)?;
        }
        if !changes.set_services.is_empty() || !changes.remove_services.is_empty() {
            changes.index = Some(next.index()?);
        }
        next.wildcards = next.services.keys().any(|key| key.port == 0);
        changes.wildcards = (next.wildcards != self.wildcards).then_some(next.wildcards);
        next.plan_interfaces(&desired.interfaces, &mut changes);
        Ok((changes, next))
    }

    /// The program's index of services.
    ///
    /// # Errors
    /// [`Full::Index`].
    pub fn index(&self) -> Result<BTreeMap<u32, IndexEntry>, Full> {
        index::place(self.services()).map_err(Full::Index)
    }

    fn remove_service(&mut self, key: ServiceKey, changes: &mut Changes) {
        if let Some(service) = self.services.remove(&key) {
            service.retire(&key, changes);
            changes.remove_services.push(key);
        }
    }

    fn plan_interfaces(&mut self, desired: &BTreeMap<u32, Mac>, changes: &mut Changes) {
        for (&index, &mac) in desired {
            if self.interfaces.insert(index, mac) != Some(mac) {
                changes.set_interfaces.push((index, mac));
            }
        }
        self.interfaces.retain(|index, _| {
            let keep = desired.contains_key(index);
            if !keep {
                changes.remove_interfaces.push(*index);
            }
            keep
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
