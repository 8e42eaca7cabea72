//! Records of connections and clients: taking them over, sweeping, and asking for one.

use std::io;
use std::os::fd::AsFd;

use lb_common::layout::{Interface, Service, ServiceKey, Slot};

use super::super::plan::{Found, capacity};
use super::super::sweep::{self, Scan};
use super::super::table::Mac;
use super::adopt::{self, Left};
use super::memory::Mapping;
use super::{Xdp, XdpError, sys};

impl Xdp {
    /// What the maps of an earlier daemon hold.
    pub(super) fn found(&self, left: &Left) -> io::Result<Found> {
        let mut found = Found::default();
        for (key, service) in adopt::hash::<ServiceKey, Service>(&left.maps["services"])? {
            let slots = self.inner_table(service.table).unwrap_or_default();
            found.services.push((key, service, slots));
        }
        let interfaces = adopt::hash::<u32, Interface>(&left.maps["interfaces"])?;
        let mac = |(index, interface): (u32, Interface)| (index, Mac(interface.mac));
        found.interfaces = interfaces.into_iter().map(mac).collect();
        let written = self.state.real_servers().iter().zip(0u32..);
        let written = written.filter(|(server, _)| server.id != 0);
        found.real_servers = written.map(|(server, index)| (index, *server)).collect();
        found.entries = self.state.entries();
        Ok(found)
    }

    /// The slots that packets see now.
    pub(super) fn inner_table(&self, index: u32) -> io::Result<Vec<Slot>> {
        let outer = self.loaded.map_fd("tables").map_err(io::Error::other)?;
        let inner = sys::map_by_id(sys::inner_id(outer, index)?)?;
        let length = capacity(self.loaded.sizes().table) as usize;
        if sys::map_info(inner.as_fd())?.max_entries as usize != length {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // SAFETY: the map has as many entries of this type, and Slot is one integer.
        let slots = unsafe { Mapping::<Slot>::new(inner.as_fd(), length)? };
        Ok(slots.values().to_vec())
    }

    /// Removes records that are over or agree with the tables, ends states of slots that nothing
    /// needs any more, and counts connections anew. To be called once a second. Tells whether
    /// slots or servers changed.
    ///
    /// # Errors
    /// The kernel refuses a write; the next call tries again.
    pub fn sweep(&mut self) -> Result<bool, XdpError> {
        self.reclaim();
        let now = self.now();
        let needs = self.applied.needs_sweep();
        if !needs.any() {
            self.census = sweep::Census::default();
            return Ok(false);
        }
        let mut scan = Scan::new(&self.applied, now);
        if needs.exceptions {
            scan.places(sweep::Records::Exceptions, self.state.exceptions.places());
        }
        if needs.persistence {
            scan.places(sweep::Records::Persistence, self.state.persistence.places());
        }
        if needs.flows {
            scan.places(sweep::Records::Flows, self.state.flows.places());
        }
        self.census = scan.finish();
        let (changes, next) = self
            .applied
            .sweep(&self.census, self.loaded.sizes().table, now);
        let graces = self.write(&changes)?;
        let changed = self.applied != next;
        self.applied = next;
        self.retire(graces, changes, needs);
        Ok(changed)
    }
}
