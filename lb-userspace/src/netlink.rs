//! What lvx asks of the kernel's network configuration and sets in it, by rtnetlink.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressProtocol, CacheInfo,
};
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::{Handle, RouteMessageBuilder};

use crate::config::InterfaceAddress;
use crate::dataplane::table::Mac;
use crate::dataplane::xdp::Mode;

mod decode;
pub mod hosts;
pub mod monitor;

/// `IFA_PROTO` of the addresses that lvx adds: the IP protocol number of VRRP. They can be told
/// from the operator's own even after a crash (kernel >= 5.18).
const ADDRESS_PROTOCOL: AddressProtocol = AddressProtocol::Other(112);

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    pub mac: Option<Mac>,
    pub mtu: u32,
    /// It is up and has a carrier.
    pub up: bool,
    /// The XDP program that it carries, ours or another.
    pub xdp: Option<AttachedProgram>,
    /// It is a VLAN on another interface of this host.
    pub vlan: Option<Vlan>,
}

/// What makes an interface a VLAN device, 802.1Q or 802.1ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vlan {
    /// Index of the interface below it.
    pub parent: u32,
    /// 1–4094; 0 = frames are tagged with their priority alone.
    pub id: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachedProgram {
    pub mode: Mode,
    /// The kernel's id.
    pub program: u32,
}

/// How packets get to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// It is this host.
    Local,
    /// It is a neighbour on this interface.
    OnLink { ifindex: u32 },
    /// It is behind a router: direct routing cannot reach it.
    Via { gateway: IpAddr },
    /// The kernel's reason why there is none.
    None { reason: String },
}

/// What the kernel knows of a neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    pub ifindex: u32,
    pub address: IpAddr,
    pub state: Resolution,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    Known(Mac),
    /// Set by the operator: the kernel never asks.
    Fixed(Mac),
    /// Being asked for, or forgotten by the kernel: says nothing about the neighbour.
    Unknown,
    /// It does not answer.
    Failed,
}

/// Requests to the kernel. Cheap to clone.
#[derive(Clone)]
pub struct Netlink {
    handle: Handle,
}

impl Netlink {
    /// Opens the socket in the network namespace of the calling thread; a task of the current
    /// runtime carries its messages.
    ///
    /// # Errors
    /// The socket cannot be opened.
    pub fn connect() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        Ok(Self { handle })
    }

    /// All interfaces.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn links(&self) -> io::Result<Vec<Link>> {
        let links = self.handle.link().get().execute();
        let links: Vec<LinkMessage> = links.try_collect().await.map_err(io_error)?;
        Ok(links.iter().map(decode::link).collect())
    }

    /// Adds an address of ours; one that is there already is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn add_address(&self, ifindex: u32, address: InterfaceAddress) -> io::Result<()> {
        let (ip, prefix_len) = (address.address, address.prefix_len);
        let mut request = self.handle.address().add(ifindex, ip, prefix_len);
        let message = request.message_mut();
        message.header.flags |= AddressHeaderFlags::Nodad;
        message
            .attributes
            .push(AddressAttribute::Protocol(ADDRESS_PROTOCOL));
        if ip.is_ipv6() {
            message.attributes.push(unpreferred());
        }
        match request.execute().await.map_err(io_error) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EACCES) && ip.is_ipv6() => {
                let reason = "IPv6 is switched off there: see the sysctls \
                              net.ipv6.conf.*.disable_ipv6";
                Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
            }
            other => other,
        }
    }

    /// Removes an address; one that is not there is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn remove_address(&self, ifindex: u32, address: InterfaceAddress) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = match address.address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.header.index = ifindex;
        message.header.prefix_len = address.prefix_len;
        let local = AddressAttribute::Local(address.address);
        message.attributes.push(local);
        match self
            .handle
            .address()
            .del(message)
            .execute()
            .await
            .map_err(io_error)
        {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    // The last one: the interface has no IPv6 any more.
                    Some(libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENXIO)
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// The addresses that lvx added, now or before a crash.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn own_addresses(&self) -> io::Result<Vec<(u32, InterfaceAddress)>> {
        let all = self.handle.address().get().execute();
        let all: Vec<AddressMessage> = all.try_collect().await.map_err(io_error)?;
        Ok(all.iter().filter_map(decode::own_address).collect())
    }

    /// How packets get to `address`.
    ///
    /// # Errors
    /// The socket's; that there is no route is a [`Route::None`].
    pub async fn route(&self, address: IpAddr) -> io::Result<Route> {
        let message = match address {
            IpAddr::V4(v4) => RouteMessageBuilder::<Ipv4Addr>::new()
                .destination_prefix(v4, 32)
                .build(),
            IpAddr::V6(v6) => RouteMessageBuilder::<std::net::Ipv6Addr>::new()
                .destination_prefix(v6, 128)
                .build(),
        };
        let answer = self.handle.route().get(message).execute().try_next().await;
        match answer {
            Ok(Some(message)) => Ok(decode::route(&message)),
            Ok(None) => Ok(Route::None {
                reason: "the kernel named no route".to_owned(),
            }),
            Err(error @ rtnetlink::Error::NetlinkError(_)) => Ok(Route::None {
                reason: io_error(error).to_string(),
            }),
            Err(error) => Err(io_error(error)),
        }
    }

    /// Makes the kernel resolve a neighbour, or check an entry that is getting old, as traffic
    /// to it would (`NTF_USE`, include/uapi/linux/neighbour.h).
    ///
    /// # Errors
    /// The kernel's.
    pub async fn use_neighbour(&self, ifindex: u32, address: IpAddr) -> io::Result<()> {
        let request = self.handle.neighbours().add(ifindex, address);
        request
            .state(NeighbourState::None)
            .flags(NeighbourFlags::Use)
            .replace()
            .execute()
            .await
            .map_err(io_error)
    }

    /// Makes the kernel forget what it knows of a neighbour, so that it asks anew; one that it
    /// does not know is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn forget_neighbour(&self, ifindex: u32, address: IpAddr) -> io::Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = ifindex;
        let (family, destination) = match address {
            IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
        };
        message.header.family = family;
        let destination = NeighbourAttribute::Destination(destination);
        message.attributes.push(destination);
        let gone = self.handle.neighbours().del(message).execute().await;
        match gone.map_err(io_error) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The kernel's whole neighbour table.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn neighbours(&self) -> io::Result<Vec<Neighbour>> {
        let all = self.handle.neighbours().get().execute();
        let all: Vec<NeighbourMessage> = all.try_collect().await.map_err(io_error)?;
        Ok(all.iter().filter_map(decode::neighbour).collect())
    }
}

/// Lets the kernel take an IPv6 address as its own sender's only where it has no other (RFC 4862
/// section 5.5.4): it would prefer the newest one of a network, and the checks of real servers,
/// which have the virtual address themselves, would come from there.
fn unpreferred() -> AddressAttribute {
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_preferred = 0;
    lifetimes.ifa_valid = u32::MAX;
    AddressAttribute::CacheInfo(lifetimes)
}

/// The kernel's error, with its errno.
fn io_error(error: rtnetlink::Error) -> io::Error {
    if let rtnetlink::Error::NetlinkError(message) = &error {
        return message.to_io();
    }
    io::Error::other(error)
}
