//! The sending side of one instance.

use std::io;
use std::net::IpAddr;

use crate::config::Instance;
use crate::vrrp::frame::{arp, ndp};
use crate::vrrp::interface::{Interface, Wanted};
use crate::vrrp::socket::{LinkSocket, SendSocket};

/// The open sockets of an instance.
#[derive(Debug)]
pub(super) struct Voice {
    place: Place,
    send: SendSocket,
    /// Of the device that has the virtual addresses.
    device: LinkSocket,
    interface: LinkSocket,
}

/// What they were opened for; if that changes they must be opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: u32,
    mac: [u8; 6],
    device: u32,
    device_mac: [u8; 6],
    source: IpAddr,
}

impl Voice {
    /// The sockets for what the interfaces are like now: `before`, if they still fit.
    ///
    /// # Errors
    /// What is missing, as a sentence.
    pub(super) fn follow(
        before: Option<Self>,
        config: &Instance,
        interfaces: &[Interface],
        is_virtual: impl Fn(IpAddr) -> bool,
    ) -> Result<Self, String> {
        let current = before.as_ref().map(|voice| voice.place.source);
        let place = locate(config, interfaces, is_virtual, current)?;
        match before {
            Some(voice) if voice.place == place => Ok(voice),
            Some(_) | None => Self::open(config, place)
                .map_err(|error| format!("cannot open sockets on {}: {error}", config.interface)),
        }
    }

    fn open(config: &Instance, place: Place) -> io::Result<Self> {
        let (name, index, source) = (&config.interface, place.index, place.source);
        let send = match &config.unicast {
            Some(unicast) => {
                SendSocket::unicast(name, index, source, &unicast.peers, unicast.ttl.get())?
            }
            None if config.virtual_mac.is_some() => {
                SendSocket::frames(place.device, place.device_mac, source.is_ipv6())?
            }
            None => SendSocket::multicast(name, index, source)?,
        };
        Ok(Self {
            place,
            send,
            device: LinkSocket::open(place.device)?,
            interface: LinkSocket::open(index)?,
        })
    }

    /// The address that our advertisements come from.
    pub(super) fn source(&self) -> IpAddr {
        self.place.source
    }

    /// Whether a MAC is one of ours.
    pub(super) fn is_own(&self, mac: [u8; 6]) -> bool {
        mac == self.place.mac || mac == self.place.device_mac
    }

    /// Sends the message that `emit` makes of a source and a destination.
    pub(super) fn advertise(&self, emit: impl Fn(IpAddr, IpAddr) -> Vec<u8>) -> io::Result<()> {
        let source = self.place.source;
        self.send.send(source, |to| emit(source, to))
    }

    /// Tells the link where an address is.
    pub(super) fn announce(&self, address: IpAddr) -> io::Result<()> {
        let mac = self.place.device_mac;
        let frame = match address {
            IpAddr::V4(address) => arp::gratuitous(mac, address),
            IpAddr::V6(address) => ndp::announcement(mac, address),
        };
        self.device.send(&frame)
    }

    /// Asks who else has an address.
    pub(super) fn ask(&self, address: IpAddr) -> io::Result<()> {
        let mac = self.place.mac;
        let frame = match (self.place.source, address) {
            (IpAddr::V4(own), IpAddr::V4(address)) => arp::question(mac, own, address),
            (IpAddr::V6(own), IpAddr::V6(address)) => ndp::question(mac, own, address),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return Ok(()),
        };
        self.interface.send(&frame)
    }
}

fn locate(
    config: &Instance,
    interfaces: &[Interface],
    is_virtual: impl Fn(IpAddr) -> bool,
    current: Option<IpAddr>,
) -> Result<Place, String> {
    let find = |name: &str| {
        let found = interfaces.iter().find(|interface| interface.name == name);
        found.ok_or_else(|| format!("there is no interface {name}"))
    };
    let ethernet = |interface: &Interface| {
        let name = &interface.name;
        interface
            .mac
            .ok_or_else(|| format!("interface {name} is not Ethernet"))
    };
    let interface = find(&config.interface)?;
    if let Some(fault) = interface.fault() {
        return Err(fault);
    }
    let mac = ethernet(interface)?;
    let device = find(config.device())?;
    let given = config.unicast.as_ref().and_then(|unicast| unicast.source);
    let source = given.or_else(|| interface.source(wanted(config), is_virtual, current));
    let source = source.ok_or_else(|| {
        let (name, kind) = (&config.interface, wanted(config).name());
        format!("interface {name} has no {kind} address besides the virtual ones: VRRP needs one as source")
    })?;
    Ok(Place {
        index: interface.index,
        mac,
        device: device.index,
        device_mac: ethernet(device)?,
        source,
    })
}

fn wanted(config: &Instance) -> Wanted {
    let peer = config
        .unicast
        .as_ref()
        .and_then(|unicast| unicast.peers.first());
    match (config.is_ipv6(), peer) {
        (false, _) => Wanted::V4,
        (true, Some(IpAddr::V6(peer))) if !peer.is_unicast_link_local() => Wanted::Global,
        (true, _) => Wanted::LinkLocal,
    }
}
