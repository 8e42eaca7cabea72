//! What clients notice, kept without any knowledge of slots and records: a connection stays at its
//! server, and new ones go where new ones may go.

use std::collections::HashMap;

use anyhow::{Result, ensure};

use super::ops::Packet;
use super::world::{Connection, PERSISTENCE, SERVERS, SERVICES, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Established,
    Closing,
}

/// A connection, or a client of UDP, that lives.
#[derive(Debug, Clone, Copy)]
struct Known {
    server: u8,
    phase: Phase,
    /// Of its last packet.
    at: u64,
    /// That one was its end, so the next SYN opens another one.
    ended: bool,
}

#[derive(Default)]
pub(crate) struct Witness {
    connections: HashMap<Connection, Known>,
    /// By service and network: the server of the last new connection, and when that was.
    clients: HashMap<(u8, u8), (u8, u64)>,
    /// Servers that took clients until after the last sweep: those that they know may come.
    closing: Vec<(u8, u8)>,
}

impl Witness {
    /// The server takes no packets any more: what it had is lost.
    pub(crate) fn lost(&mut self, service: u8, server: u8) {
        self.connections
            .retain(|of, known| (of.service, known.server) != (service, server));
        self.closed(service, server);
        self.closing.retain(|closing| *closing != (service, server));
    }

    /// The server takes no new connections any more.
    pub(crate) fn closed(&mut self, service: u8, server: u8) {
        self.clients
            .retain(|(of, _), (known, _)| (*of, *known) != (service, server));
        self.closing.push((service, server));
    }

    pub(crate) fn swept(&mut self) {
        self.closing.clear();
    }

    /// `seen` got the packet, or nobody.
    pub(crate) fn packet(
        &mut self,
        world: &World,
        from: Connection,
        packet: Packet,
        seen: Option<u8>,
        now: u64,
    ) -> Result<()> {
        let kind = SERVICES[from.service as usize];
        let timeouts = kind.timeouts();
        let datagrams = kind.protocol == lb_tests::segment::UDP;
        // A client of UDP is one connection.
        let port = if datagrams { 0 } else { from.port };
        let id = Connection { port, ..from };
        let last = self.connections.get(&id).copied();
        let alive = last.filter(|known| {
            let timeout = match known.phase {
                Phase::Opening => timeouts.opening,
                Phase::Established => timeouts.established,
                Phase::Closing => timeouts.closing,
            };
            now - known.at < timeout.into()
        });
        let opens = packet == Packet::Syn && !datagrams;
        let network = (from.service, from.client / 2);
        let servers = &world.servers[from.service as usize];
        let is_open = |server: u8| servers[server as usize].is_open();
        if opens {
            // The program may not have seen all of an older connection from this port, and take
            // the SYN for a repeated one.
            let own = last.filter(|known| {
                let lives = now - known.at <= timeouts.established.into();
                lives && !known.ended && Some(known.server) == seen
            });
            let promised = self.clients.get(&network).copied();
            let promised = promised
                .filter(|(_, at)| kind.persistent && now - at < PERSISTENCE.into())
                .map(|(server, _)| server);
            match seen {
                _ if own.is_some() => {}
                None => {
                    let open = (0..SERVERS).any(is_open);
                    ensure!(!open, "nobody got it, although there are servers");
                }
                Some(server) if !is_open(server) => {
                    let grace = kind.persistent && self.closing.contains(&(from.service, server));
                    ensure!(grace, "server {server} gets no new connections");
                }
                // The client may have one living connection elsewhere that was there first.
                Some(server) => ensure!(
                    promised.is_none_or(|promised| promised == server),
                    "the client was promised {promised:?}, and met {server}"
                ),
            }
        } else if let Some(known) = alive {
            ensure!(
                seen == Some(known.server),
                "it was at {}, silent for {} s, and met {seen:?}",
                known.server,
                now - known.at
            );
        } else if seen.is_none() {
            ensure!(!(0..SERVERS).any(is_open), "nobody got it");
        }
        let Some(server) = seen else {
            self.connections.remove(&id);
            return Ok(());
        };
        let before = alive.map(|known| known.phase);
        let phase = match packet {
            _ if datagrams => Phase::Established,
            Packet::Syn => Phase::Opening,
            Packet::Data if before == Some(Phase::Closing) => Phase::Closing,
            Packet::Data => Phase::Established,
            Packet::Fin | Packet::Rst => Phase::Closing,
        };
        let known = Known {
            server,
            phase,
            at: now,
            ended: matches!(packet, Packet::Fin | Packet::Rst),
        };
        self.connections.insert(id, known);
        if opens && kind.persistent {
            if is_open(server) {
                self.clients.insert(network, (server, now));
            } else {
                self.clients.remove(&network);
            }
        }
        Ok(())
    }
}
