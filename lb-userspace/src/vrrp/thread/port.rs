//! One interface as the protocol uses it: its sockets, as long as it can be used.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use tracing::info;

use crate::vrrp::arp::ArpSocket;
use crate::vrrp::interface::Interface;
use crate::vrrp::socket::{ReceiveSocket, SendSocket};
use crate::vrrp::statistics::InterfaceCounters;

/// An interface that at least one instance is on.
#[derive(Debug)]
pub(super) struct Port {
    name: String,
    pub(super) counters: Arc<InterfaceCounters>,
    /// Or why it cannot be used.
    pub(super) link: Result<Link, String>,
}

/// The open sockets of an interface.
#[derive(Debug)]
pub(super) struct Link {
    place: Place,
    pub(super) receive: ReceiveSocket,
    pub(super) send: SendSocket,
    pub(super) arp: ArpSocket,
}

/// What the sockets were opened for; if that changes they must be opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: u32,
    mac: [u8; 6],
    source: Ipv4Addr,
}

impl Port {
    pub(super) fn new(name: String) -> Self {
        Self {
            link: Err(format!("interface {name} was not looked at yet")),
            name,
            counters: Arc::default(),
        }
    }

    /// Follows what the interface is like now: opens, reopens or closes the sockets.
    pub(super) fn refresh(&mut self, interfaces: &[Interface], virtual_addresses: &[Ipv4Addr]) {
        let current = self.link.as_ref().ok().map(|link| link.place);
        let place = self.locate(interfaces, virtual_addresses, current);
        if current.is_some() && place.as_ref().ok() == current.as_ref() {
            return;
        }
        self.link = place.and_then(|place| {
            let link = Link::open(&self.name, place)
                .map_err(|error| format!("cannot open sockets on {}: {error}", self.name))?;
            let (interface, source) = (&self.name, place.source);
            info!(%interface, %source, "VRRP listens");
            Ok(link)
        });
    }

    fn locate(
        &self,
        interfaces: &[Interface],
        virtual_addresses: &[Ipv4Addr],
        current: Option<Place>,
    ) -> Result<Place, String> {
        let name = &self.name;
        let interface = interfaces
            .iter()
            .find(|interface| interface.name == *name)
            .ok_or_else(|| format!("there is no interface {name}"))?;
        let mac = interface
            .mac
            .ok_or_else(|| format!("interface {name} is not Ethernet"))?;
        let source = interface
            .source(virtual_addresses, current.map(|place| place.source))
            .ok_or_else(|| {
                format!("interface {name} has no IPv4 address besides the virtual ones: VRRP needs one as source")
            })?;
        Ok(Place {
            index: interface.index,
            mac,
            source,
        })
    }
}

impl Link {
    fn open(name: &str, place: Place) -> io::Result<Self> {
        Ok(Self {
            place,
            receive: ReceiveSocket::open(name, place.index)?,
            send: SendSocket::open(name, place.index, place.source)?,
            arp: ArpSocket::open(place.index, place.mac)?,
        })
    }

    /// The address our advertisements come from.
    pub(super) fn source(&self) -> Ipv4Addr {
        self.place.source
    }
}
