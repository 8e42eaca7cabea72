//! Reading what the program counted.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use aya::maps::{MapData, PerCpuArray};
use lb_common::layout::{self, ServiceKey};
use lb_common::reason::Reason;

use super::load::CounterPod;
use super::{Waiting, Xdp, XdpError};

/// What a service's real servers were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceCounters {
    pub real_servers: BTreeMap<IpAddr, layout::Counter>,
    /// Sum over the real servers that are no longer configured.
    pub removed: layout::Counter,
}

impl ServiceCounters {
    /// The service's own counts: they never shrink.
    #[must_use]
    pub fn total(&self) -> layout::Counter {
        let mut sum = self.removed;
        for counter in self.real_servers.values() {
            add(&mut sum, *counter);
        }
        sum
    }
}

pub(super) fn add(sum: &mut layout::Counter, one: layout::Counter) {
    sum.packets += one.packets;
    sum.bytes += one.bytes;
    sum.connections += one.connections;
}

pub(super) fn read_error<E: std::error::Error + Send + Sync + 'static>(
    map: &'static str,
) -> impl Fn(E) -> XdpError {
    move |error| XdpError::Map {
        map,
        error: io::Error::other(error.to_string()),
    }
}

impl Xdp {
    /// Counts of a service's real servers, and of those removed from it since the start.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn counters(&self, key: &ServiceKey) -> Result<ServiceCounters, XdpError> {
        let mut real_servers = BTreeMap::new();
        for (address, counter) in self.applied.counters(key) {
            real_servers.insert(address, self.count(counter)?);
        }
        let mut removed = self.removed.get(key).copied().unwrap_or_default();
        for Waiting { retired, .. } in &self.waiting {
            for (_, counter) in retired
                .counters
                .iter()
                .filter(|(service, _)| service == key)
            {
                add(&mut removed, self.count(*counter)?);
            }
        }
        Ok(ServiceCounters {
            real_servers,
            removed,
        })
    }

    pub(super) fn count(&self, index: u32) -> Result<layout::Counter, XdpError> {
        let mut sum = layout::Counter::default();
        for one in self
            .counter_map()?
            .get(&index, 0)
            .map_err(read_error("counters"))?
            .iter()
        {
            add(&mut sum, one.0);
        }
        Ok(sum)
    }

    fn counter_map(&self) -> Result<PerCpuArray<&MapData, CounterPod>, XdpError> {
        PerCpuArray::try_from(self.loaded.map("counters")?).map_err(read_error("counters"))
    }

    /// Packets left to the kernel, by reason.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn reasons(&self) -> Result<Vec<(Reason, u64)>, XdpError> {
        let map: PerCpuArray<&MapData, u64> =
            PerCpuArray::try_from(self.loaded.map("reasons")?).map_err(read_error("reasons"))?;
        Reason::ALL
            .into_iter()
            .map(|reason| {
                let values = map
                    .get(&(reason as u32), 0)
                    .map_err(read_error("reasons"))?;
                Ok((reason, values.iter().sum()))
            })
            .collect()
    }
}
