//! What `lvx status` tells of a service's slots and servers. PURE.

use std::net::IpAddr;

use lb_common::layout::ServiceKey;

use super::super::slots::Tally;
use super::{Applied, AppliedService};

/// A real server in the kernel's maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerStatus {
    pub address: IpAddr,
    /// Index into `counters`.
    pub id: u32,
    /// It takes packets.
    pub usable: bool,
    /// Of those, only the ones of connections that it has: its weight is 0, or it is leaving.
    pub draining: bool,
    /// It is no longer configured.
    pub leaving: bool,
}

impl Applied {
    /// The servers of a service, leaving ones included.
    pub fn servers(&self, service: &ServiceKey) -> impl Iterator<Item = ServerStatus> {
        let servers = self.services.get(service).map(|s| &s.servers);
        servers
            .into_iter()
            .flatten()
            .map(|(&address, server)| ServerStatus {
                address,
                id: server.id,
                usable: server.is_usable(),
                draining: server.is_usable() && server.share() == 0,
                leaving: server.leaving.is_some(),
            })
    }

    /// The counters of a service's real servers.
    pub fn counters(&self, service: &ServiceKey) -> impl Iterator<Item = (IpAddr, u32)> {
        self.servers(service)
            .map(|server| (server.address, server.id))
    }

    /// The states of a service's slots.
    #[must_use]
    pub fn tally(&self, service: &ServiceKey) -> Option<Tally> {
        let service: &AppliedService = self.services.get(service)?;
        Some(service.slots.tally())
    }
}
