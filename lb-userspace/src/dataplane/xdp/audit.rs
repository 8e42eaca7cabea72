//! Finding out what others changed in our maps, and putting it right.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use lb_common::index::{IndexEntry, PLACES};
use lb_common::layout::{Interface, Service, ServiceKey};

use super::memory::Mapping;
use super::{Xdp, XdpError, sys};

/// Tables that one audit looks at; they take turns.
const TABLES: usize = 256;

impl Xdp {
    /// Compares the pins and the maps with what was applied, and repairs what differs; says what
    /// that was. Counters and records are nobody's to compare.
    ///
    /// # Errors
    /// The kernel refuses to read or write.
    pub fn audit(&mut self) -> Result<Vec<String>, XdpError> {
        let mut repaired = Vec::new();
        for map in self.loaded.restore_pins()? {
            repaired.push(format!("pin {map}: made again"));
        }
        self.audit_services(&mut repaired)?;
        self.audit_servers(&mut repaired)?;
        self.audit_interfaces(&mut repaired)?;
        self.audit_tables(&mut repaired)?;
        Ok(repaired)
    }

    fn audit_services(&self, repaired: &mut Vec<String>) -> Result<(), XdpError> {
        let map = "services";
        let error = |error| XdpError::Map { map, error };
        let fd = self.loaded.map_fd(map)?;
        let mut wrong: Vec<(ServiceKey, Service)> = Vec::new();
        for (key, value) in self.applied.services() {
            let found: Option<Service> = sys::lookup(fd, key).map_err(error)?;
            if found != Some(*value) {
                wrong.push((*key, *value));
            }
        }
        let known: BTreeMap<_, _> = self.applied.services().collect();
        for key in sys::keys::<ServiceKey>(fd).map_err(error)? {
            if !known.contains_key(&key) {
                sys::delete(fd, &key).map_err(error)?;
                repaired.push(format!("map {map}: an entry of nobody removed"));
            }
        }
        if !wrong.is_empty() {
            repaired.push(format!("map {map}: {} entries written again", wrong.len()));
            self.update(map, wrong.into_iter())?;
        }
        let expected = self.applied.index().map_err(XdpError::Full)?;
        if self.published_index() != Some(expected.clone()) {
            self.swap_index(&expected)?;
            repaired.push("map service_index: written again".to_owned());
        }
        Ok(())
    }

    /// The index that packets see; `None` if it cannot be read.
    fn published_index(&self) -> Option<BTreeMap<u32, IndexEntry>> {
        let outer = self.loaded.map_fd("service_index").ok()?;
        let inner = sys::map_by_id(sys::inner_id(outer, 0).ok()?).ok()?;
        let places = PLACES as usize;
        if sys::map_info(inner.as_fd()).ok()?.max_entries as usize != places {
            return None;
        }
        // SAFETY: the map has as many entries of this type, which is made of integers.
        let memory = unsafe { Mapping::<IndexEntry>::new(inner.as_fd(), places) }.ok()?;
        let used = memory.values().iter().zip(0..);
        let used = used.filter(|(entry, _)| entry.key.port_protocol != 0);
        Some(used.map(|(entry, place)| (place, *entry)).collect())
    }

    fn audit_servers(&self, repaired: &mut Vec<String>) -> Result<(), XdpError> {
        let present = self.state.real_servers();
        let wrong: Vec<_> = self
            .applied
            .real_servers()
            .filter(|(index, server)| present.get(*index as usize) != Some(server))
            .collect();
        if !wrong.is_empty() {
            repaired.push(format!(
                "map real_servers: {} entries written again",
                wrong.len()
            ));
            self.update("real_servers", wrong.into_iter())?;
        }
        let mut changed = 0;
        for (id, index) in (0..).zip(self.applied.entries()) {
            if self.state.entry(id) != index {
                self.state.set_entry(id, index);
                changed += 1;
            }
        }
        if changed > 0 {
            repaired.push(format!("map entries: {changed} entries written again"));
        }
        Ok(())
    }

    fn audit_interfaces(&mut self, repaired: &mut Vec<String>) -> Result<(), XdpError> {
        let map = "interfaces";
        let error = |error| XdpError::Map { map, error };
        let expected = self.applied.interfaces().iter();
        let value = |mac: &super::super::table::Mac| Interface {
            mac: mac.0,
            reserved: 0,
        };
        let expected: Vec<(u32, Interface)> = expected.map(|(i, mac)| (*i, value(mac))).collect();
        let mut wrong = Vec::new();
        for (index, value) in expected {
            let ports = self.loaded.map_fd("tx_ports")?;
            let found: Option<Interface> =
                sys::lookup(self.loaded.map_fd(map)?, &index).map_err(error)?;
            // A port is gone with its interface, too, and cannot be set without it.
            let port: Option<u32> = sys::lookup(ports, &index).map_err(error)?;
            if found != Some(value) || port.is_none() {
                wrong.push((index, value));
            }
        }
        for (index, value) in wrong {
            self.update(map, [(index, value)].into_iter())?;
            if self.loaded.set_tx_ports([index].into_iter()).is_ok() {
                repaired.push(format!("map {map}: interface {index} written again"));
            }
        }
        Ok(())
    }

    fn audit_tables(&mut self, repaired: &mut Vec<String>) -> Result<(), XdpError> {
        let size = self.loaded.sizes().table;
        let all = self.applied.services().count();
        let first = if self.audited >= all { 0 } else { self.audited };
        self.audited = first + TABLES;
        let tables = self.applied.tables(size).skip(first).take(TABLES);
        let wrong: Vec<_> = tables
            .filter(|(index, slots)| self.inner_table(*index).ok().as_ref() != Some(slots))
            .collect();
        if !wrong.is_empty() {
            self.swap_tables(&wrong)?;
            repaired.push(format!("map tables: {} tables written again", wrong.len()));
        }
        Ok(())
    }
}
