//! What the kernel says about its services.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::codec::{self, DestinationEntry, Info};
use super::state::{Found, Options};
use super::table::ServiceKey;
use super::{Ipvs, IpvsError};

/// What a service has done, since it was made or its counters were zeroed. The kernel sums these
/// up every two seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceCounters {
    pub connections: u64,
    pub packets: u64,
    pub bytes: u64,
    pub destinations: BTreeMap<IpAddr, DestinationCounters>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DestinationCounters {
    pub connections: u64,
    pub packets: u64,
    pub bytes: u64,
    /// Connections that are established now.
    pub active: u32,
    /// Connections in any other state that the kernel still knows.
    pub inactive: u32,
    /// Clients that persistence holds to it now.
    pub persistent: u32,
}

impl Ipvs {
    /// Counters of our services and their destinations.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn counters(&self) -> Result<BTreeMap<ServiceKey, ServiceCounters>, IpvsError> {
        let ours = &self.record.contents().services;
        let mut all = BTreeMap::new();
        if ours.is_empty() {
            return Ok(all);
        }
        let ask = |error| IpvsError::query("services", error);
        for message in self.client.list(codec::get_services()).await.map_err(ask)? {
            let entry = codec::read_service(&message).map_err(|error| ask(error.into()))?;
            if !ours.contains(&entry.key) {
                continue;
            }
            let mut counters = ServiceCounters {
                connections: entry.traffic.connections,
                packets: entry.traffic.packets,
                bytes: entry.traffic.bytes,
                destinations: BTreeMap::new(),
            };
            for entry in self.list_destinations(entry.key).await? {
                let of_destination = DestinationCounters {
                    connections: entry.traffic.connections,
                    packets: entry.traffic.packets,
                    bytes: entry.traffic.bytes,
                    active: entry.active,
                    inactive: entry.inactive,
                    persistent: entry.persistent,
                };
                let address = entry.target.address;
                counters.destinations.insert(address, of_destination);
            }
            all.insert(entry.key, counters);
        }
        Ok(all)
    }

    /// Version and size of the kernel's IPVS.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn info(&self) -> Result<Info, IpvsError> {
        let ask = |error| IpvsError::query("version", error);
        let message = self.client.get(codec::get_info()).await.map_err(ask)?;
        codec::read_info(&message).map_err(|error| ask(error.into()))
    }

    pub(super) async fn list_services(&self) -> Result<BTreeMap<ServiceKey, Options>, IpvsError> {
        let ask = |error| IpvsError::query("services", error);
        let messages = self.client.list(codec::get_services()).await.map_err(ask)?;
        let entries = messages.iter().map(codec::read_service);
        entries
            .map(|entry| entry.map(|entry| (entry.key, entry.options)))
            .collect::<Result<_, _>>()
            .map_err(|error| ask(error.into()))
    }

    pub(super) async fn list_destinations(
        &self,
        key: ServiceKey,
    ) -> Result<Vec<DestinationEntry>, IpvsError> {
        let ask = |error| IpvsError::query("destinations", error);
        let request = codec::get_destinations(&key);
        let messages = self.client.list(request).await.map_err(ask)?;
        let entries = messages.iter();
        entries
            .map(|message| codec::read_destination(message, key.is_v6()))
            .collect::<Result<_, _>>()
            .map_err(|error| ask(error.into()))
    }

    pub(super) async fn found(
        &self,
        key: ServiceKey,
        options: Options,
        ours: &BTreeSet<ServiceKey>,
    ) -> Result<Found, IpvsError> {
        let entries = self.list_destinations(key).await?.into_iter();
        Ok(Found {
            options,
            destinations: entries
                .map(|entry| (entry.target, entry.settings))
                .collect(),
            ours: ours.contains(&key),
        })
    }
}
