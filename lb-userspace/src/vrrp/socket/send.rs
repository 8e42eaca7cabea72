//! Sends the advertisements of one instance.

use std::ffi::c_int;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};

use socket2::{Domain, SockAddr, Socket};

use super::{DROP_ALL, LinkSocket, PRIORITY, raw, set_option};
use crate::vrrp::frame::{self, TOS, TTL};
use crate::vrrp::packet::{GROUP_V4, GROUP_V6};

/// The ways of an advertisement to the other directors.
#[derive(Debug)]
pub(in crate::vrrp) enum SendSocket {
    /// The kernel writes the headers.
    Datagrams {
        socket: Socket,
        /// A group or peers.
        to: Vec<IpAddr>,
        /// The interface, which a link-local address goes with.
        index: u32,
    },
    /// To the group with a virtual MAC, from an address of the interface below, which the kernel
    /// would not bind to its device.
    Frames {
        link: LinkSocket,
        mac: [u8; 6],
        group: IpAddr,
    },
}

/// VRRP's group of a family.
pub(in crate::vrrp) const fn group(ipv6: bool) -> IpAddr {
    if ipv6 {
        IpAddr::V6(GROUP_V6)
    } else {
        IpAddr::V4(GROUP_V4)
    }
}

impl SendSocket {
    /// To the group, out of the interface.
    pub(in crate::vrrp) fn multicast(name: &str, index: u32, source: IpAddr) -> io::Result<Self> {
        let socket = open(name, index, source)?;
        match source {
            IpAddr::V4(_) => {
                set_multicast_interface(&socket, index)?;
                socket.set_multicast_loop_v4(false)?;
                socket.set_multicast_ttl_v4(TTL.into())?;
            }
            IpAddr::V6(_) => {
                socket.set_multicast_if_v6(index)?;
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_hops_v6(TTL.into())?;
            }
        }
        let to = vec![group(source.is_ipv6())];
        Ok(Self::Datagrams { socket, to, index })
    }

    /// To each of `peers`.
    pub(in crate::vrrp) fn unicast(
        name: &str,
        index: u32,
        source: IpAddr,
        peers: &[IpAddr],
        ttl: u8,
    ) -> io::Result<Self> {
        let socket = open(name, index, source)?;
        match source {
            IpAddr::V4(_) => socket.set_ttl_v4(ttl.into())?,
            IpAddr::V6(_) => socket.set_unicast_hops_v6(ttl.into())?,
        }
        let to = peers.to_vec();
        Ok(Self::Datagrams { socket, to, index })
    }

    /// To the group, with the MAC of another device.
    pub(in crate::vrrp) fn frames(index: u32, mac: [u8; 6], ipv6: bool) -> io::Result<Self> {
        let (link, group) = (LinkSocket::open(index)?, group(ipv6));
        Ok(Self::Frames { link, mac, group })
    }

    /// Sends what `emit` makes for each destination; the error is the last one.
    pub(in crate::vrrp) fn send(
        &self,
        source: IpAddr,
        emit: impl Fn(IpAddr) -> Vec<u8>,
    ) -> io::Result<()> {
        match self {
            Self::Datagrams { socket, to, index } => {
                let mut result = Ok(());
                for &destination in to {
                    let address = socket_address(destination, *index);
                    if let Err(error) = socket.send_to(&emit(destination), &address) {
                        result = Err(error);
                    }
                }
                result
            }
            Self::Frames { link, mac, group } => {
                let frame = frame::advertisement(*mac, source, *group, &emit(*group));
                frame.map_or(Ok(()), |frame| link.send(&frame))
            }
        }
    }
}

fn open(name: &str, index: u32, source: IpAddr) -> io::Result<Socket> {
    let socket = match source {
        IpAddr::V4(_) => {
            let socket = raw(Domain::IPV4, name)?;
            socket.set_tos_v4(TOS.into())?;
            socket
        }
        IpAddr::V6(_) => {
            let socket = raw(Domain::IPV6, name)?;
            let class = c_int::from(TOS);
            set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &class)?;
            socket
        }
    };
    // Every raw socket of the protocol is given its packets: this one would only fill up.
    socket.attach_filter(&DROP_ALL)?;
    socket.bind(&socket_address(source, index))?;
    socket.set_priority(PRIORITY)?;
    Ok(socket)
}

fn socket_address(address: IpAddr, index: u32) -> SockAddr {
    let scope = |address: Ipv6Addr| {
        let local = address.is_unicast_link_local() || address.is_multicast();
        if local { index } else { 0 }
    };
    match address {
        IpAddr::V4(address) => SocketAddrV4::new(address, 0).into(),
        IpAddr::V6(address) => SocketAddrV6::new(address, 0, 0, scope(address)).into(),
    }
}

/// IP_MULTICAST_IF by index: socket2 knows only the form by address, which two interfaces may share.
fn set_multicast_interface(socket: &Socket, index: u32) -> io::Result<()> {
    let any = libc::in_addr {
        s_addr: Ipv4Addr::UNSPECIFIED.into(),
    };
    let request = libc::ip_mreqn {
        imr_multiaddr: any,
        imr_address: any,
        imr_ifindex: c_int::try_from(index).map_err(io::Error::other)?,
    };
    set_option(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, &request)
}
