//! A real server of a service: its id, its entry, and whether it is on its way out. PURE.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU8;

use lb_common::layout::{self, ServiceKey};

use super::super::table::{Method, Path, RealServer, address_bytes, virtual_mac};
use super::{Applied, Changes, Full};

/// Sweeps that have to find nothing of a server before it goes.
const QUIET: u8 = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Server {
    /// Index into `counters`, `loads` and `entries`; stays as long as the server.
    pub(super) id: u32,
    pub(super) weight: u16,
    /// Where it is in `real_servers`, and what is written there; `None` while it takes no
    /// packets.
    pub(super) entry: Option<(u32, layout::RealServer)>,
    pub(super) leaving: Option<Leaving>,
}

/// The server is no longer configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Leaving {
    /// Sweeps in a row that found no record of it and no slot.
    quiet: u8,
}

impl Leaving {
    const START: Self = Self { quiet: 0 };

    /// After a sweep.
    pub(super) const fn swept(self, found: bool) -> Self {
        let quiet = if found { 0 } else { self.quiet + 1 };
        Self { quiet }
    }

    pub(super) const fn is_over(self) -> bool {
        self.quiet >= QUIET
    }
}

impl Server {
    /// Where it is in `real_servers`, 0 = it takes no packets.
    pub(super) fn index(&self) -> u32 {
        self.entry.map_or(0, |(index, _)| index)
    }

    pub(in super::super) const fn is_usable(&self) -> bool {
        self.entry.is_some()
    }

    /// Its share of the clients that come new, 0 if it gets none.
    pub(in super::super) const fn share(&self) -> u16 {
        match (&self.entry, self.leaving) {
            (Some(_), None) => self.weight,
            (Some(_) | None, _) => 0,
        }
    }

    /// The server is gone: nothing may lead to it any more.
    pub(super) fn retire(&self, key: &ServiceKey, changes: &mut Changes) {
        if let Some((index, _)) = self.entry {
            changes.entries.push((self.id, 0));
            changes.retired.entries.push(index);
        }
        changes.retired.counters.push((*key, self.id));
    }
}

/// The service that a server is of.
pub(super) struct Owner<'s> {
    pub(super) key: &'s ServiceKey,
    pub(super) table: u32,
    pub(super) method: Method,
    pub(super) virtual_router: Option<NonZeroU8>,
    /// There may be records that name its servers.
    pub(super) records: bool,
    /// They mean what they meant before.
    pub(super) kept: bool,
    /// Servers that are taken out keep their connections.
    pub(super) leave: bool,
}

impl Applied {
    /// All servers of a service, by address.
    pub(super) fn plan_servers(
        &mut self,
        owner: &Owner<'_>,
        desired: &BTreeMap<IpAddr, RealServer>,
        before: Option<&BTreeMap<IpAddr, Server>>,
        changes: &mut Changes,
    ) -> Result<BTreeMap<IpAddr, Server>, Full> {
        let mut servers = BTreeMap::new();
        for (&address, server) in desired {
            let before = before.and_then(|before| before.get(&address));
            let after = self.plan_server(owner, address, server, before, changes)?;
            if before.is_some() && owner.records && !owner.kept && after.is_usable() {
                changes.purge.push(after.id);
            }
            servers.insert(address, after);
        }
        let missing = |(address, _): &(&IpAddr, &Server)| !desired.contains_key(address);
        for (&address, server) in before.into_iter().flatten().filter(missing) {
            if owner.leave && server.is_usable() {
                let mut server = server.clone();
                server.leaving.get_or_insert(Leaving::START);
                servers.insert(address, server);
            } else {
                server.retire(owner.key, changes);
                changes.purge.extend(owner.records.then_some(server.id));
            }
        }
        Ok(servers)
    }

    /// A configured server, new or as it was `before`.
    fn plan_server(
        &mut self,
        owner: &Owner<'_>,
        address: IpAddr,
        desired: &RealServer,
        before: Option<&Server>,
        changes: &mut Changes,
    ) -> Result<Server, Full> {
        let id = match before {
            Some(before) => before.id,
            None => {
                let id = self.ids.take().ok_or(Full::RealServers)?;
                changes.clear_counters.push(id);
                id
            }
        };
        let old = before.and_then(|before| before.entry);
        let value = desired.path.map(|path| layout::RealServer {
            id,
            table: owner.table,
            port: owner.key.port,
            address: address_bytes(address),
            weight: divisor(owner.method, desired.weight),
            virtual_mac: virtual_mac(owner.virtual_router, is_ipv6(owner.key)),
            ..entry(path)
        });
        let entry = match (value, old) {
            (Some(value), Some((index, same))) if value == same => Some((index, value)),
            (Some(value), _) => {
                let index = self.entries.take().ok_or(Full::RealServers)?;
                changes.real_servers.push((index, value));
                Some((index, value))
            }
            (None, _) => None,
        };
        let after = Server {
            id,
            weight: desired.weight,
            entry,
            leaving: None,
        };
        let (from, to) = (before.map_or(0, Server::index), after.index());
        if from != to {
            changes.entries.push((id, to));
            changes.retired.entries.extend((from != 0).then_some(from));
            if to == 0 && owner.records {
                changes.purge.push(id);
            }
        }
        Ok(after)
    }
}

fn is_ipv6(key: &ServiceKey) -> bool {
    Ipv6Addr::from(key.address).to_ipv4_mapped().is_none()
}

/// What a server's load is divided by.
const fn divisor(method: Method, weight: u16) -> u32 {
    match method {
        Method::Wlc => weight as u32,
        Method::Mh { .. } | Method::Sh { .. } | Method::Rr | Method::Wrr | Method::Lc => 1,
    }
}

/// The part of an entry that says how to get there.
const fn entry(path: Path) -> layout::RealServer {
    let (flags, mac, source_mac, ifindex, [vlan, inner_vlan]) = match path {
        Path::Local => (layout::RealServer::LOCAL, [0; 6], [0; 6], 0, [0; 2]),
        Path::Link {
            mac,
            source_mac,
            ifindex,
            vlans,
        } => (0, mac.0, source_mac.0, ifindex, vlans),
    };
    layout::RealServer {
        flags,
        mac,
        source_mac,
        vlan,
        ifindex,
        id: 0,
        port: 0,
        inner_vlan,
        address: [0; 16],
        weight: 0,
        table: 0,
        virtual_mac: [0; 2],
        reserved: [0; 10],
    }
}
