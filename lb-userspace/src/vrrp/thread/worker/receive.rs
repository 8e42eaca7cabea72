//! Reads what has arrived.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::Worker;
use crate::vrrp::packet;
use crate::vrrp::thread::poll;

/// Datagrams read from one socket before commands and timers get a turn: more than its buffer
/// holds, so that all that waited is read, and less than a flood.
const BATCH: usize = 4096;
/// Frames that may claim an address are no hurry.
const CLAIMS_BATCH: usize = 64;

/// A socket that has something to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    Messages { port: usize },
    Claims { port: usize },
}

impl Worker {
    /// Reads all that has arrived.
    pub(in crate::vrrp::thread) fn read(&mut self, now: Instant) -> io::Result<()> {
        let (names, fds): (Vec<_>, Vec<_>) = self.sockets().unzip();
        let ready = poll::wait(&fds, Duration::ZERO)?;
        for (name, _) in names.into_iter().zip(ready).filter(|(_, ready)| *ready) {
            match name {
                Ready::Messages { port } => self.receive(port, now),
                Ready::Claims { port } => self.claims(port, now),
            }
        }
        Ok(())
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = (Ready, BorrowedFd<'_>)> {
        let ports = self.ports.iter().enumerate();
        ports.flat_map(|(port, one)| {
            let link = one.link.as_ref().ok();
            let messages = link.map(|link| (Ready::Messages { port }, link.receive.as_fd()));
            let claims = link.map(|link| (Ready::Claims { port }, link.claims.as_fd()));
            messages.into_iter().chain(claims)
        })
    }

    fn receive(&mut self, port: usize, now: Instant) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..BATCH {
            let one = &self.ports[port];
            let Ok(link) = &one.link else {
                break;
            };
            let (header, message) = match link.receive.receive(&mut buffer) {
                Ok(Some(received)) => received,
                Ok(None) => {
                    one.counters.malformed.add();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    // Such as ENETDOWN, said once by the kernel: the next look finds out the rest.
                    let interface = &one.key.interface;
                    warn!(%interface, %error, "cannot receive");
                    break;
                }
            };
            let Some(id) = packet::peek_virtual_router_id(message) else {
                one.counters.malformed.add();
                continue;
            };
            if let Some(&router) = one.routers.get(&id) {
                self.act(router, now, |router, hands| {
                    router.receive(&header, message, hands);
                });
            } else {
                let (interface, source) = (&one.key.interface, header.source);
                debug!(%interface, %source, id, "advertisement of an unknown virtual router");
                one.counters.count_unknown(id, source);
            }
        }
        self.buffer = buffer;
    }

    fn claims(&mut self, port: usize, now: Instant) {
        for _ in 0..CLAIMS_BATCH {
            let one = &self.ports[port];
            let Ok(link) = &one.link else {
                return;
            };
            match link.claims.receive() {
                Ok(Some(claim)) => {
                    if let Some(&router) = one.addresses.get(&claim.address) {
                        self.act(router, now, |router, hands| router.claimed(claim, hands));
                    }
                }
                Ok(None) => (),
                // Nothing more, or an interface that went down.
                Err(_) => return,
            }
        }
    }
}
