//! One family of one interface as the protocol uses it: its sockets, while it can be used.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use tracing::{info, warn};

use super::links::Links;
use crate::vrrp::interface::Interfaces;
use crate::vrrp::socket::claims::ClaimSocket;
use crate::vrrp::socket::link::LinkSocket;
use crate::vrrp::socket::receive::{ReceiveSocket, Tap};
use crate::vrrp::statistics::InterfaceCounters;

/// The place of a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) interface: String,
    pub(super) ipv6: bool,
}

/// What the instances of a port need of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// Some instance uses multicast.
    pub(super) group: bool,
    pub(super) tap: Tap,
}

/// An interface that at least one instance is on.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) key: Key,
    pub(super) needs: Needs,
    pub(super) counters: Arc<InterfaceCounters>,
    /// The routers by virtual router id.
    pub(super) routers: HashMap<u8, usize>,
    /// The routers by virtual address.
    pub(super) addresses: HashMap<IpAddr, usize>,
    /// How many of them are MASTER.
    masters: usize,
    /// Or why it cannot be used.
    pub(super) link: Result<Link, String>,
}

/// The open sockets of a port.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) index: u32,
    tap: Tap,
    pub(super) receive: ReceiveSocket,
    pub(super) send: LinkSocket,
    pub(super) claims: ClaimSocket,
}

impl Needs {
    const NOTHING: Self = Self {
        group: false,
        tap: Tap::Ip,
    };
}

impl Port {
    pub(super) fn new(key: Key) -> Self {
        Self {
            link: Err(format!("interface {} was not looked at yet", key.interface)),
            key,
            needs: Needs::NOTHING,
            counters: Arc::default(),
            routers: HashMap::new(),
            addresses: HashMap::new(),
            masters: 0,
        }
    }

    /// Forgets its routers, to be told of others.
    pub(super) fn clear(&mut self) {
        self.needs = Needs::NOTHING;
        self.routers.clear();
        self.addresses.clear();
    }

    /// Follows what the interface is like now: opens, reopens or closes the sockets.
    pub(super) fn follow(&mut self, interfaces: &Interfaces, links: &Links) {
        match usable(&self.key.interface, interfaces) {
            Ok(index) => {
                let same = |link: &Link| link.index == index && link.tap == self.needs.tap;
                if !self.link.as_ref().is_ok_and(same) {
                    let opened = self.open(index);
                    self.replace(opened, links);
                    self.watch();
                }
                self.join();
            }
            Err(error) => {
                if self.link.as_ref().err() != Some(&error) {
                    self.replace(Err(error), links);
                }
            }
        }
    }

    /// A router of this port became MASTER or is none any more.
    pub(super) fn count_master(&mut self, became: bool) {
        let before = self.masters;
        self.masters = if became {
            before + 1
        } else {
            before.saturating_sub(1)
        };
        if (before == 0) != (self.masters == 0) {
            self.watch();
        }
    }

    /// The routers and their addresses are others, and so many of them are MASTER.
    pub(super) fn set_masters(&mut self, masters: usize) {
        self.masters = masters;
        self.watch();
    }

    /// Hears who claims an address of the port while some router is MASTER.
    fn watch(&self) {
        let Ok(link) = &self.link else {
            return;
        };
        let mut addresses = Vec::new();
        if self.masters > 0 {
            addresses.extend(self.addresses.keys().copied());
        }
        if let Err(error) = link.claims.watch(&addresses) {
            let interface = &self.key.interface;
            warn!(%interface, %error, "cannot watch for duplicate addresses");
        }
    }

    fn open(&self, index: u32) -> Result<Link, String> {
        let (name, tap) = (&self.key.interface, self.needs.tap);
        let link = Link::open(&self.key, index, tap)
            .map_err(|error| format!("cannot open sockets on {name}: {error}"))?;
        info!(interface = %name, ipv6 = self.key.ipv6, "VRRP listens");
        Ok(link)
    }

    fn replace(&mut self, link: Result<Link, String>, links: &Links) {
        if let Ok(old) = std::mem::replace(&mut self.link, link) {
            links.close(Box::new(old));
        }
    }

    fn join(&mut self) {
        if let Ok(link) = &mut self.link
            && let Err(error) = link.receive.set_joined(self.needs.group)
        {
            let name = &self.key.interface;
            self.link = Err(format!("cannot join the VRRP group on {name}: {error}"));
        }
    }
}

impl Link {
    fn open(key: &Key, index: u32, tap: Tap) -> io::Result<Self> {
        let (name, ipv6) = (&key.interface, key.ipv6);
        Ok(Self {
            index,
            tap,
            receive: ReceiveSocket::open(ipv6, name, index, tap)?,
            send: LinkSocket::open()?,
            claims: ClaimSocket::open(ipv6, index)?,
        })
    }
}

/// The index of an interface that packets pass, or why there is none.
fn usable(name: &str, interfaces: &Interfaces) -> Result<u32, String> {
    let interface = interfaces
        .get(name)
        .ok_or_else(|| format!("there is no interface {name}"))?;
    if interface.mac.is_none() {
        return Err(format!("interface {name} is not Ethernet"));
    }
    interface.fault().map_or(Ok(interface.index), Err)
}
