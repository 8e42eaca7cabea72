//! From what is applied and what is wanted to the writes between them. PURE.
//!
//! Entries of `real_servers` that a table refers to never change: a server whose MAC changed
//! gets a new entry, and the tables are swapped over to it, so no packet sees half a change.
//! Indexes that fall out of use are [`Retired`] and may be given out again only after the
//! kernel's grace period, when no running program can still hold them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_common::index::IndexEntry;
use lb_common::layout::{self, MAX_REAL_SERVERS, MAX_SERVICES, ServiceKey, Slot};
use lb_common::maglev::TableSize;

use super::index;
use super::maglev::{Member, fill};
use super::table::{ForwardingTable, Mac, Path, RealServer, Service, address_bytes};

mod indexes;

use indexes::Indexes;

/// What the kernel holds, with the indexes given to each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    services: BTreeMap<ServiceKey, AppliedService>,
    interfaces: BTreeMap<u32, Mac>,
    entries: Indexes,
    counters: Indexes,
    tables: Indexes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AppliedService {
    value: layout::Service,
    servers: BTreeMap<IpAddr, AppliedServer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AppliedServer {
    counter: u32,
    /// Weight in the table and the entry it points to; `None` while it has no slots.
    entry: Option<(u16, u32, layout::RealServer)>,
}

/// The writes, in the order in which they are to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Counters that start anew.
    pub clear_counters: Vec<u32>,
    /// Entries that no table refers to yet.
    pub real_servers: Vec<(u32, layout::RealServer)>,
    pub set_interfaces: Vec<(u32, Mac)>,
    /// Whole Maglev tables, to be swapped in together.
    pub tables: Vec<(u32, Vec<Slot>)>,
    pub set_services: Vec<(ServiceKey, layout::Service)>,
    pub remove_services: Vec<ServiceKey>,
    /// The program's whole index of services, if any of them changed.
    pub index: Option<BTreeMap<u32, IndexEntry>>,
    pub remove_interfaces: Vec<u32>,
    pub retired: Retired,
}

/// Indexes out of use, to be returned by [`Applied::reclaim`] after a grace period.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Retired {
    entries: Vec<u32>,
    /// With the service whose totals they are part of.
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
            // Index 0 of `real_servers` means "none" in a slot.
            entries: Indexes::new(1..MAX_REAL_SERVERS),
            counters: Indexes::new(1..MAX_REAL_SERVERS),
            tables: Indexes::new(0..MAX_SERVICES),
        }
    }
}

impl Applied {
    /// The counters of a service's real servers.
    pub fn counters(&self, service: &ServiceKey) -> impl Iterator<Item = (IpAddr, u32)> {
        let servers = self.services.get(service).map(|s| &s.servers);
        servers
            .into_iter()
            .flatten()
            .map(|(address, server)| (*address, server.counter))
    }

    /// Gives indexes free for use again, once no program can hold them any more.
    pub fn reclaim(&mut self, retired: &Retired) {
        self.entries.give(retired.entries.iter().copied());
        self.counters
            .give(retired.counters.iter().map(|&(_, counter)| counter));
        self.tables.give(retired.tables.iter().copied());
    }

    /// The writes that lead to `desired`, and the state after them.
    ///
    /// # Errors
    /// `desired` does not fit into the kernel's maps; nothing is changed then.
    pub fn plan(
        &self,
        desired: &ForwardingTable,
        size: TableSize,
    ) -> Result<(Changes, Self), Full> {
        let mut next = self.clone();
        let mut changes = Changes::default();
        for (key, service) in &desired.services {
            next.plan_service(key, service, size, &mut changes)?;
        }
        let gone = |key: &&ServiceKey| !desired.services.contains_key(key);
        for key in self.services.keys().filter(gone) {
            next.remove_service(*key, &mut changes);
        }
        if !changes.set_services.is_empty() || !changes.remove_services.is_empty() {
            let services = next
                .services
                .iter()
                .map(|(key, service)| (key, &service.value));
            changes.index = Some(index::place(services).map_err(Full::Index)?);
        }
        next.plan_interfaces(&desired.interfaces, &mut changes);
        Ok((changes, next))
    }

    fn plan_service(
        &mut self,
        key: &ServiceKey,
        desired: &Service,
        size: TableSize,
        changes: &mut Changes,
    ) -> Result<(), Full> {
        let old = self.services.remove(key);
        let mut servers = old
            .as_ref()
            .map_or_else(BTreeMap::new, |s| s.servers.clone());
        let table = match &old {
            Some(old) => old.value.table,
            None => self.tables.take().ok_or(Full::Services)?,
        };
        let mut moved = old.is_none();
        for (&address, server) in &desired.real_servers {
            let before = servers.remove(&address);
            let after = self.plan_server(key, address, server, before.as_ref(), changes)?;
            moved |= after.entry != before.and_then(|b| b.entry);
            servers.insert(address, after);
        }
        servers.retain(|address, server| {
            let keep = desired.real_servers.contains_key(address);
            if !keep {
                moved |= server.entry.is_some();
                retire_server(key, server, &mut changes.retired);
            }
            keep
        });
        if moved {
            changes.tables.push((table, slots(key, &servers, size)));
        }
        let value = layout::Service {
            flags: if desired.active {
                layout::Service::ACTIVE
            } else {
                0
            },
            table,
            client_mask: layout::Service::WHOLE_CLIENT,
            established: desired.timeouts.established,
            opening: desired.timeouts.opening as u16,
            closing: desired.timeouts.closing as u16,
            persistence: 0,
            length: 0,
        };
        if old.is_none_or(|old| old.value != value) {
            changes.set_services.push((*key, value));
        }
        self.services
            .insert(*key, AppliedService { value, servers });
        Ok(())
    }

    fn plan_server(
        &mut self,
        key: &ServiceKey,
        address: IpAddr,
        desired: &RealServer,
        before: Option<&AppliedServer>,
        changes: &mut Changes,
    ) -> Result<AppliedServer, Full> {
        let counter = match before {
            Some(before) => before.counter,
            None => {
                let counter = self.counters.take().ok_or(Full::RealServers)?;
                changes.clear_counters.push(counter);
                counter
            }
        };
        let old = before.and_then(|b| b.entry);
        let usable = desired.path.filter(|_| desired.weight > 0);
        let value = usable.map(|path| entry(key, address, path, counter));
        let entry = match (value, old) {
            (Some(value), Some((_, index, same))) if value == same => {
                Some((desired.weight, index, value))
            }
            (Some(value), _) => {
                let index = self.entries.take().ok_or(Full::RealServers)?;
                changes.real_servers.push((index, value));
                Some((desired.weight, index, value))
            }
            (None, _) => None,
        };
        if let Some((_, index, _)) = old
            && entry.is_none_or(|(_, kept, _)| kept != index)
        {
            changes.retired.entries.push(index);
        }
        Ok(AppliedServer { counter, entry })
    }

    fn remove_service(&mut self, key: ServiceKey, changes: &mut Changes) {
        if let Some(service) = self.services.remove(&key) {
            for server in service.servers.values() {
                retire_server(&key, server, &mut changes.retired);
            }
            changes.remove_services.push(key);
            changes.retired.tables.push(service.value.table);
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

fn retire_server(key: &ServiceKey, server: &AppliedServer, retired: &mut Retired) {
    retired
        .entries
        .extend(server.entry.map(|(_, index, _)| index));
    retired.counters.push((*key, server.counter));
}

fn entry(key: &ServiceKey, address: IpAddr, path: Path, counter: u32) -> layout::RealServer {
    let (mac, source_mac, ifindex, [vlan, inner_vlan], flags) = match path {
        Path::Local => ([0; 6], [0; 6], 0, [0; 2], layout::RealServer::LOCAL),
        Path::Link {
            mac,
            source_mac,
            ifindex,
            vlans,
        } => (mac.0, source_mac.0, ifindex, vlans, 0),
    };
    layout::RealServer {
        mac,
        source_mac,
        ifindex,
        flags,
        id: counter,
        port: key.port,
        vlan,
        inner_vlan,
        address: address_bytes(address),
        weight: 0,
        reserved: [0; 4],
    }
}

fn slots(
    key: &ServiceKey,
    servers: &BTreeMap<IpAddr, AppliedServer>,
    size: TableSize,
) -> Vec<Slot> {
    let (members, indexes): (Vec<Member>, Vec<u32>) = servers
        .iter()
        .filter_map(|(&address, server)| {
            let (weight, index, _) = server.entry?;
            let port = key.port;
            Some((
                Member {
                    address,
                    port,
                    weight,
                },
                index,
            ))
        })
        .unzip();
    fill(&members, size)
        .into_iter()
        .map(|member| member.map_or_else(Slot::default, |m| Slot::stable(indexes[m])))
        .collect()
}

#[cfg(test)]
mod tests;
