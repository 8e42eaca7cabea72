//! Where an instance sends from: an address, a device, and a socket if it uses unicast.

use std::io;
use std::net::IpAddr;

use super::port::Link;
use crate::config::Instance;
use crate::vrrp::frame::{self, arp, ndp};
use crate::vrrp::interface::{Interface, Interfaces, Wanted};
use crate::vrrp::packet::{GROUP_V4, GROUP_V6};
use crate::vrrp::socket::unicast::UnicastSocket;

/// A place to send from, with the socket that this may need.
#[derive(Debug)]
pub(super) struct Seat {
    place: Place,
    unicast: Option<UnicastSocket>,
}

/// What a seat was taken for; when that changes another is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Of our advertisements.
    source: IpAddr,
    interface: Device,
    /// The same, or the device with the virtual MAC.
    device: Device,
    /// To ask with who has an address; `None`: there is none of its own.
    own: Option<IpAddr>,
    unicast_ttl: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Device {
    index: u32,
    mac: [u8; 6],
}

impl Seat {
    /// The seat of an instance whose interface can be used. `current` stays if it is still right.
    pub(super) fn take(
        current: Option<Self>,
        config: &Instance,
        interfaces: &Interfaces,
        is_virtual: impl Fn(IpAddr) -> bool,
    ) -> Result<Self, String> {
        let before = current.as_ref().map(|seat| seat.place);
        let place = Place::find(config, interfaces, is_virtual, before)?;
        if let Some(current) = current
            && current.place == place
        {
            return Ok(current);
        }
        let open = |ttl| {
            let (name, index) = (&config.interface, place.interface.index);
            UnicastSocket::open(name, index, place.source, ttl)
                .map_err(|error| format!("cannot send from {} on {name}: {error}", place.source))
        };
        let unicast = place.unicast_ttl.map(open).transpose()?;
        Ok(Self { place, unicast })
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn source(&self) -> IpAddr {
        self.place.source
    }

    /// Whether the MAC is one that we use here ourselves.
    pub(super) fn is_own(&self, mac: [u8; 6]) -> bool {
        self.place.interface.mac == mac || self.place.device.mac == mac
    }

    /// To whom an advertisement goes.
    pub(super) fn destinations(config: &Instance) -> Destinations<'_> {
        match &config.unicast {
            Some(unicast) => Destinations::Peers(&unicast.peers),
            None if config.is_ipv6() => Destinations::Group(GROUP_V6.into()),
            None => Destinations::Group(GROUP_V4.into()),
        }
    }

    pub(super) fn multicast(&self, link: &Link, group: IpAddr, message: &[u8]) -> io::Result<()> {
        let Device { index, mac } = self.place.device;
        let frame = frame::advertisement(mac, self.place.source, group, message);
        // The source was chosen by the instance's family, and so was the group.
        frame.map_or(Ok(()), |frame| link.send.send(index, &frame))
    }

    pub(super) fn unicast(&self, peer: IpAddr, message: &[u8]) -> io::Result<()> {
        match &self.unicast {
            Some(socket) => socket.send(peer, message),
            None => Ok(()),
        }
    }

    /// Tells the link where a virtual address is.
    pub(super) fn announce(&self, link: &Link, address: IpAddr) -> io::Result<()> {
        let Device { index, mac } = self.place.device;
        let frame = match address {
            IpAddr::V4(address) => arp::gratuitous(mac, address),
            IpAddr::V6(address) => ndp::announcement(mac, address),
        };
        link.send.send(index, &frame)
    }

    /// Asks the link who else has a virtual address, as this host and not as its holder.
    pub(super) fn ask(&self, link: &Link, address: IpAddr) -> io::Result<()> {
        let Device { index, mac } = self.place.interface;
        let frame = match (self.place.own, address) {
            (Some(IpAddr::V4(own)), IpAddr::V4(address)) => arp::question(mac, own, address),
            (Some(IpAddr::V6(own)), IpAddr::V6(address)) => ndp::question(mac, own, address),
            (Some(_) | None, _) => return Ok(()),
        };
        link.send.send(index, &frame)
    }
}

/// Where an advertisement goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destinations<'c> {
    Group(IpAddr),
    Peers(&'c [IpAddr]),
}

impl Place {
    fn find(
        config: &Instance,
        interfaces: &Interfaces,
        is_virtual: impl Fn(IpAddr) -> bool,
        before: Option<Self>,
    ) -> Result<Self, String> {
        let named = |name: &str| interfaces.get(name);
        let device = |interface: &Interface| {
            let (index, mac) = (interface.index, interface.mac?);
            Some(Device { index, mac })
        };
        let name = &config.interface;
        let interface = named(name).ok_or_else(|| format!("there is no interface {name}"))?;
        let parent = device(interface).ok_or_else(|| format!("{name} is not Ethernet"))?;
        let below = match &config.virtual_mac {
            None => parent,
            Some(name) => {
                let found = named(name)
                    .ok_or_else(|| format!("there is no device {name} for the virtual MAC yet"))?;
                if let Some(fault) = found.fault() {
                    return Err(format!("the device for the virtual MAC: {fault}"));
                }
                device(found).ok_or_else(|| format!("device {name} is not Ethernet"))?
            }
        };
        let wanted = wanted(config);
        let current = before.map(|before| before.source);
        let configured = config.unicast.as_ref().and_then(|unicast| unicast.source);
        let source = match configured {
            Some(source)
                if !interfaces
                    .values()
                    .any(|one| one.addresses.contains(&source)) =>
            {
                return Err(format!(
                    "this host does not have the source address {source}"
                ));
            }
            Some(source) => Some(source),
            None => interface.source(wanted, &is_virtual, current),
        };
        let source = source.ok_or_else(|| {
            let kind = wanted.name();
            format!("interface {name} has no {kind} address besides the virtual ones: VRRP needs one as source")
        })?;
        let asks = if config.is_ipv6() {
            Wanted::LinkLocal
        } else {
            Wanted::V4
        };
        Ok(Self {
            source,
            interface: parent,
            device: below,
            own: interface.source(asks, &is_virtual, before.and_then(|before| before.own)),
            unicast_ttl: config.unicast.as_ref().map(|unicast| unicast.ttl.get()),
        })
    }
}

fn wanted(config: &Instance) -> Wanted {
    let global = |peer: &IpAddr| match peer {
        IpAddr::V4(_) => false,
        IpAddr::V6(peer) => !peer.is_unicast_link_local(),
    };
    let peers = config.unicast.as_ref().map(|unicast| &unicast.peers);
    match (config.is_ipv6(), peers) {
        (false, _) => Wanted::V4,
        (true, Some(peers)) if peers.iter().any(global) => Wanted::Global,
        (true, _) => Wanted::LinkLocal,
    }
}
