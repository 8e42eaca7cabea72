//! What each map should hold, for an audit that compares and rewrites. PURE.

use std::collections::BTreeMap;

use lb_common::layout::{self, MAX_REAL_SERVERS, ServiceKey, Slot};
use lb_common::maglev::TableSize;

use super::super::table::Mac;
use super::server::Server;
use super::{Applied, capacity};

impl Applied {
    pub fn services(&self) -> impl Iterator<Item = (&ServiceKey, &layout::Service)> {
        let services = self.services.iter();
        services.map(|(key, service)| (key, &service.value))
    }

    /// The inner maps of `tables`, by index. What other indexes hold is not read by anybody.
    pub fn tables(&self, size: TableSize) -> impl Iterator<Item = (u32, Vec<Slot>)> {
        let capacity = capacity(size) as usize;
        let services = self.services.values();
        services.map(move |service| (service.value.table, service.table(capacity)))
    }

    /// The entries of `real_servers` in use.
    pub fn real_servers(&self) -> impl Iterator<Item = (u32, layout::RealServer)> {
        self.all_servers().filter_map(|server| server.entry)
    }

    /// All of `entries`, by id.
    #[must_use]
    pub fn entries(&self) -> Vec<u32> {
        let mut entries = vec![0; MAX_REAL_SERVERS as usize];
        for server in self.all_servers() {
            entries[server.id as usize] = server.index();
        }
        entries
    }

    #[must_use]
    pub const fn interfaces(&self) -> &BTreeMap<u32, Mac> {
        &self.interfaces
    }

    /// There are services on port 0.
    #[must_use]
    pub const fn wildcards(&self) -> bool {
        self.wildcards
    }

    pub(super) fn all_servers(&self) -> impl Iterator<Item = &Server> {
        let services = self.services.values();
        services.flat_map(|service| service.servers.values())
    }
}
