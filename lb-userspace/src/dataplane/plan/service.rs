//! A service: its servers, its slots, and what the program is told of it. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use lb_common::layout::{self, ServiceKey, Slot};
use lb_common::maglev::TableSize;

use super::super::maglev::Member;
use super::super::slots::Slots;
use super::super::table::{Method, Service};
use super::fill::fill;
use super::server::{Owner, Server};
use super::{Applied, Changes, Full, capacity};

const UDP: u8 = 17;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct AppliedService {
    pub(in super::super) value: layout::Service,
    /// `None` if the table is a former daemon's.
    pub(super) method: Option<Method>,
    /// Seconds for which a slot settles.
    pub(super) settling: u32,
    pub(in super::super) servers: BTreeMap<IpAddr, Server>,
    pub(in super::super) slots: Slots,
}

/// How a service's connections keep their servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Keeps {
    /// They do not: UDP has no connections.
    Nothing,
    /// By the states of slots, and exceptions.
    Slots,
    /// Each has a record.
    Flows,
}

impl Keeps {
    pub(in super::super) const fn of(key: &ServiceKey, flags: u32) -> Self {
        if flags & layout::Service::FLOWS != 0 {
            Self::Flows
        } else if key.protocol == UDP && flags & layout::Service::BY_CLIENT == 0 {
            Self::Nothing
        } else {
            Self::Slots
        }
    }
}

/// All but the servers that a client's slot and its records depend on. Where it changes, slots
/// and records mean nothing any more.
fn kind(value: &layout::Service) -> (u32, [u8; 16]) {
    use layout::Service;
    let flags = Service::PORT | Service::SH | Service::FLOWS | Service::BY_CLIENT;
    (value.flags & flags, value.client_mask)
}

impl AppliedService {
    /// By id.
    pub(in super::super) fn servers(&self) -> impl Iterator<Item = (u32, &Server)> {
        self.servers.values().map(|server| (server.id, server))
    }

    /// It is the service's, and takes no packets.
    fn is_out(&self, id: u32) -> bool {
        let mut servers = self.servers();
        servers.any(|(known, server)| known == id && !server.is_usable())
    }

    /// The service's inner map.
    pub(super) fn table(&self, capacity: usize) -> Vec<Slot> {
        // By id: there are thousands of slots to look up.
        let highest = self.servers.values().map(|server| server.id).max();
        let mut indexes = vec![0; highest.unwrap_or(0) as usize + 1];
        for server in self.servers.values() {
            indexes[server.id as usize] = server.index();
        }
        let entry = |id: u32| indexes.get(id as usize).copied().unwrap_or(0);
        self.slots.rendered(entry, capacity)
    }

    /// All of its indexes fall out of use.
    pub(super) fn retire(&self, key: &ServiceKey, changes: &mut Changes) {
        for server in self.servers.values() {
            server.retire(key, changes);
            if keeps_records(key, &self.value) {
                changes.purge.push(server.id);
            }
        }
        changes.retired.tables.push(self.value.table);
    }

    fn shares(&self) -> impl Iterator<Item = (u32, u16, u32)> {
        let servers = self.servers.values();
        servers.map(|server| (server.id, server.share(), server.index()))
    }

    /// Its slots, if `before` them were those of the service before the change.
    fn fill(
        &self,
        key: &ServiceKey,
        method: Method,
        before: Option<&Slots>,
        size: TableSize,
        now: u64,
    ) -> Slots {
        let servers = self.servers.iter();
        let members = servers.map(|(&address, server)| {
            let (port, weight) = (key.port, server.share());
            let member = Member {
                address,
                port,
                weight,
            };
            (server.id, member)
        });
        let ids = fill(method, members.collect(), size);
        let usable = self.servers().filter(|(_, server)| server.is_usable());
        let usable: BTreeSet<u32> = usable.map(|(id, _)| id).collect();
        match (before, Keeps::of(key, self.value.flags)) {
            (Some(slots), Keeps::Slots) => slots.moved(&ids, |id| usable.contains(&id), now),
            (_, Keeps::Slots | Keeps::Nothing | Keeps::Flows) => Slots::stable(&ids),
        }
    }
}

fn keeps_records(key: &ServiceKey, value: &layout::Service) -> bool {
    Keeps::of(key, value.flags) != Keeps::Nothing || value.flags & layout::Service::PERSISTENT != 0
}

impl Applied {
    pub(super) fn plan_service(
        &mut self,
        key: &ServiceKey,
        desired: &Service,
        size: TableSize,
        now: u64,
        changes: &mut Changes,
    ) -> Result<(), Full> {
        let old = self.services.remove(key);
        let table = match &old {
            Some(old) => old.value.table,
            None => self.tables.take().ok_or(Full::Services)?,
        };
        let mut service = AppliedService {
            value: value(key, desired, table),
            method: Some(desired.method),
            settling: desired.settling,
            servers: BTreeMap::new(),
            slots: Slots::stable(&[]),
        };
        let before = old.as_deref();
        let kept = before.filter(|old| kind(&old.value) == kind(&service.value));
        let owner = Owner {
            key,
            table,
            method: desired.method,
            virtual_router: desired.virtual_router,
            records: before.is_some_and(|old| keeps_records(key, &old.value)),
            kept: kept.is_some(),
            leave: kept.is_some() && Keeps::of(key, service.value.flags) != Keeps::Nothing,
        };
        let servers = before.map(|old| &old.servers);
        service.servers = self.plan_servers(&owner, &desired.real_servers, servers, changes)?;
        let same = kept.filter(|kept| {
            kept.method == Some(desired.method) && kept.shares().eq(service.shares())
        });
        service.slots = match same {
            Some(same) => same.slots.clone(),
            None => service.fill(key, desired.method, kept.map(|kept| &kept.slots), size, now),
        };
        // A director that does not serve has no records of the connections that began since a
        // server came back; they are more than those that began while it was out.
        if !desired.active
            && let Some(kept) = kept
        {
            service.slots = service.slots.settled_on(|id| kept.is_out(id));
        }
        if service.value.flags & layout::Service::FLOWS != 0 {
            service.value.length = service.slots.len() as u32;
        }
        if same.is_none() {
            let capacity = capacity(size) as usize;
            let slots = service.table(capacity);
            if old.as_ref().is_none_or(|old| old.table(capacity) != slots) {
                changes.tables.push((table, slots));
            }
        }
        if old.as_ref().is_none_or(|old| old.value != service.value) {
            changes.set_services.push((*key, service.value));
        }
        let same = old.filter(|old| **old == service);
        let service = same.unwrap_or_else(|| Arc::new(service));
        self.services.insert(*key, service);
        Ok(())
    }
}

/// What the program is told, but for the length of a sequence.
fn value(key: &ServiceKey, desired: &Service, table: u32) -> layout::Service {
    let short = |seconds: u32| u16::try_from(seconds).unwrap_or(u16::MAX);
    let (timeout, client_mask) = match desired.persistence {
        Some(persistence) => (persistence.timeout, mask(key, persistence.prefix_len)),
        None => (0, layout::Service::WHOLE_CLIENT),
    };
    layout::Service {
        flags: flags(key, desired),
        table,
        client_mask,
        established: desired.timeouts.established,
        opening: short(desired.timeouts.opening),
        closing: short(desired.timeouts.closing),
        persistence: timeout,
        length: 0,
    }
}

fn flags(key: &ServiceKey, desired: &Service) -> u32 {
    use layout::Service;
    let port = |port: bool| if port { Service::PORT } else { 0 };
    let method = match desired.method {
        Method::Mh { port: hashed } => port(hashed),
        Method::Sh { port: hashed } => Service::SH | port(hashed),
        Method::Rr | Method::Wrr => Service::FLOWS,
        Method::Lc | Method::Wlc => Service::FLOWS | Service::LEAST,
    };
    let set = |flag: u32, on: bool| if on { flag } else { 0 };
    method
        | set(Service::ACTIVE, desired.active)
        | set(Service::BY_CLIENT, desired.affinity && key.protocol == UDP)
        | set(Service::PERSISTENT, desired.persistence.is_some())
}

/// A prefix of the service's family as a mask of the 16-byte form.
fn mask(key: &ServiceKey, prefix_len: u8) -> [u8; 16] {
    let mapped = Ipv6Addr::from(key.address).to_ipv4_mapped().is_some();
    let bits = u32::from(prefix_len) + if mapped { 96 } else { 0 };
    let cleared = u128::MAX.checked_shr(bits).unwrap_or(0);
    (!cleared).to_be_bytes()
}

#[cfg(test)]
mod tests;
