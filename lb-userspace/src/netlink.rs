//! What lvx asks of the kernel's network configuration and sets in it, by rtnetlink.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::{Handle, RouteMessageBuilder};

use crate::dataplane::table::Mac;
use crate::dataplane::xdp::Mode;

pub mod addresses;
mod ask;
pub mod closed;
mod decode;
pub mod hosts;
pub mod macvlan;
pub mod monitor;
pub mod nftables;
pub mod sysctl;

pub use addresses::{Added, Address};
pub use ask::ask;
pub use closed::Closed;
use macvlan::Macvlan;

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
    pub macvlan: Option<Macvlan>,
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

/// The kernel's error, with its errno.
fn io_error(error: rtnetlink::Error) -> io::Error {
    if let rtnetlink::Error::NetlinkError(message) = &error {
        return message.to_io();
    }
    io::Error::other(error)
}
