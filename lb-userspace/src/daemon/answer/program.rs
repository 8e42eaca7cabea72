//! What only the program's maps can tell.

use std::net::IpAddr;

use crate::api::shape::{Count, Records, Slots};
use crate::config;
use crate::dataplane::explain::Explained;
use crate::dataplane::table::service_key;
use crate::dataplane::xdp::{Xdp, XdpError};

use super::Daemon;

impl Daemon {
    const fn program(&self) -> Option<&Xdp> {
        self.kernel.xdp.as_ref()
    }

    /// Where the program sends a client, and why. `port` 0: not known.
    pub(super) fn explained(
        &self,
        service: &config::Service,
        client: IpAddr,
        port: u16,
    ) -> Option<Explained> {
        let key = service_key(service.address, service.protocol.number());
        self.program()?.explain(&key, client, port)
    }

    /// Connections that a server is known to have left.
    pub(super) fn remaining(
        &self,
        service: &config::Service,
        server: &config::RealServer,
    ) -> Option<u64> {
        let key = service_key(service.address, service.protocol.number());
        let remaining = self.program()?.remaining(&key, server.address);
        remaining.map(u64::from)
    }

    /// The slots of a service's table, by state.
    pub(super) fn slots(&self, service: &config::Service) -> Option<Slots> {
        let key = service_key(service.address, service.protocol.number());
        let tally = self.program()?.tally(&key)?;
        let number = |slots: usize| u32::try_from(slots).unwrap_or(u32::MAX);
        Some(Slots {
            stable: number(tally.stable),
            settling: number(tally.settling),
            exceptional: number(tally.exceptional),
        })
    }

    /// Bytes of all maps of the program.
    pub(super) fn memory(&self) -> u64 {
        let memory = self.program().map(Xdp::memory);
        memory.map_or(0, |memory| known("memory", memory))
    }

    /// The maps that hold records, and how full they are.
    pub(super) fn records(&self) -> Vec<Records> {
        let usage = self.program().map(Xdp::records);
        let usage = usage.into_iter().flatten();
        usage
            .map(|usage| Records {
                map: usage.map.to_owned(),
                used: usage.used as u64,
                room: usage.room as u64,
            })
            .collect()
    }

    /// Counts by [`lb_common::reason::Note`].
    pub(super) fn notes(&self) -> Vec<Count> {
        let notes = self.program().map(Xdp::notes);
        let notes = notes.map_or_else(Vec::new, |notes| known("notes", notes));
        let count = |(note, packets): (lb_common::reason::Note, u64)| Count {
            name: note.name().to_owned(),
            packets,
        };
        notes.into_iter().map(count).collect()
    }
}

/// Nothing where the kernel does not tell, which is logged.
fn known<T: Default>(what: &str, result: Result<T, XdpError>) -> T {
    result.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot read {what} of the XDP program");
        T::default()
    })
}
