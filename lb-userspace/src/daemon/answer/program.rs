//! What only the program's maps can tell; until they are asked, nothing is known.

use std::net::IpAddr;

use crate::api::shape::{Count, Records, Slots};
use crate::config;
use crate::dataplane::explain::Explained;

use super::Daemon;

impl Daemon {
    /// Where the program sends a client, and why. `port` 0: not known.
    pub(super) const fn explained(
        &self,
        _service: &config::Service,
        _client: IpAddr,
        _port: u16,
    ) -> Option<Explained> {
        None
    }

    /// Connections that a server is known to have left.
    pub(super) const fn remaining(
        &self,
        _service: &config::Service,
        _server: &config::RealServer,
    ) -> Option<u64> {
        None
    }

    /// The slots of a service's table, by state.
    pub(super) const fn slots(&self, _service: &config::Service) -> Option<Slots> {
        None
    }

    /// Bytes of all maps of the program.
    pub(super) const fn memory(&self) -> u64 {
        0
    }

    /// The maps that hold records, and how full they are.
    pub(super) const fn records(&self) -> Vec<Records> {
        Vec::new()
    }

    /// Counts by [`lb_common::reason::Note`].
    pub(super) const fn notes(&self) -> Vec<Count> {
        Vec::new()
    }
}
