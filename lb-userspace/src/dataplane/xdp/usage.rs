//! How full and how large the maps are.

use std::net::IpAddr;

use aya::maps::{MapData, PerCpuArray};
use aya_obj::generated::bpf_map_type;
use lb_common::index::{IndexEntry, PLACES};
use lb_common::layout::{ServiceKey, Slot};
use lb_common::reason::Note;

use super::super::plan::capacity;
use super::super::slots::Tally;
use super::super::sweep::Records;
use super::counters::read_error;
use super::pins::MAPS;
use super::{Xdp, XdpError, sys};

/// A map of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordsUsage {
    pub map: &'static str,
    /// As the latest sweep counted.
    pub used: usize,
    pub room: usize,
}

impl Xdp {
    /// Bytes of all values and keys, inner maps included.
    ///
    /// # Errors
    /// The kernel's.
    pub fn memory(&self) -> Result<u64, XdpError> {
        let cpus = aya::util::nr_cpus().unwrap_or(1) as u64;
        let word = |size: u32| u64::from(size.next_multiple_of(8));
        let mut bytes = 0;
        for map in MAPS {
            let info = sys::map_info(self.loaded.map_fd(map)?);
            let info = info.map_err(|error| XdpError::Map { map, error })?;
            let per_cpu = info.kind == bpf_map_type::BPF_MAP_TYPE_PERCPU_ARRAY as u32;
            let hash = info.kind == bpf_map_type::BPF_MAP_TYPE_HASH as u32;
            let value = word(info.value_size) * if per_cpu { cpus } else { 1 };
            let key = if hash { word(info.key_size) } else { 0 };
            bytes += u64::from(info.max_entries) * (value + key);
        }
        let table = u64::from(capacity(self.loaded.sizes().table)) * size_of::<Slot>() as u64;
        let index = u64::from(PLACES) * size_of::<IndexEntry>() as u64;
        Ok(bytes + index + table * self.applied.services().count() as u64)
    }

    #[must_use]
    pub fn records(&self) -> [RecordsUsage; 3] {
        let of = |map, records, usage: &super::state::Records| RecordsUsage {
            map,
            used: self.census.records(records),
            room: usage.room(),
        };
        [
            of("exceptions", Records::Exceptions, &self.state.exceptions),
            of("persistence", Records::Persistence, &self.state.persistence),
            of("flows", Records::Flows, &self.state.flows),
        ]
    }

    /// Packets that were sent on although something was missing.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn notes(&self) -> Result<Vec<(Note, u64)>, XdpError> {
        let map: PerCpuArray<&MapData, u64> =
            PerCpuArray::try_from(self.loaded.map("notes")?).map_err(read_error("notes"))?;
        let count = |note: Note| {
            let values = map.get(&(note as u32), 0).map_err(read_error("notes"))?;
            Ok((note, values.iter().sum()))
        };
        Note::ALL.into_iter().map(count).collect()
    }

    /// The slots of a service's table, by state.
    #[must_use]
    pub fn tally(&self, key: &ServiceKey) -> Option<Tally> {
        self.applied.tally(key)
    }

    /// Connections of a server that have records: of one that drains, those that are left and
    /// were heard of since it does. `None` if it does not drain.
    #[must_use]
    pub fn remaining(&self, key: &ServiceKey, server: IpAddr) -> Option<u32> {
        let mut servers = self.applied.servers(key);
        let server = servers.find(|known| known.address == server)?;
        server.draining.then(|| self.census.connections(server.id))
    }
}
