//! Sends VRRP messages to peers by IP.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use socket2::{SockAddr, Socket};

use super::filter::DROP_ALL;
use super::{PRIORITY, enlarge, raw, set_option};
use crate::vrrp::frame::TOS;

/// Sends from one address of one interface; the kernel writes the IP header.
#[derive(Debug)]
pub(in crate::vrrp) struct UnicastSocket {
    socket: Socket,
    index: u32,
}

impl UnicastSocket {
    pub(in crate::vrrp) fn open(
        name: &str,
        index: u32,
        source: IpAddr,
        ttl: u8,
    ) -> io::Result<Self> {
        let ipv6 = source.is_ipv6();
        let socket = raw(ipv6, name)?;
        // Every raw socket of the protocol is given its packets: this one would only fill up.
        socket.attach_filter(&DROP_ALL)?;
        socket.bind(&with_scope(source, index))?;
        if ipv6 {
            socket.set_unicast_hops_v6(ttl.into())?;
            let (level, class) = (libc::IPPROTO_IPV6, libc::IPV6_TCLASS);
            set_option(&socket, level, class, TOS.into())?;
        } else {
            socket.set_ttl_v4(ttl.into())?;
            socket.set_tos_v4(TOS.into())?;
        }
        socket.set_priority(PRIORITY)?;
        enlarge(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF);
        Ok(Self { socket, index })
    }

    pub(in crate::vrrp) fn send(&self, peer: IpAddr, message: &[u8]) -> io::Result<()> {
        let to = with_scope(peer, self.index);
        self.socket.send_to(message, &to).map(drop)
    }
}

/// A link-local address means something on its interface only.
fn with_scope(address: IpAddr, index: u32) -> SockAddr {
    let address = match address {
        IpAddr::V4(address) => SocketAddr::V4(SocketAddrV4::new(address, 0)),
        IpAddr::V6(address) => {
            let scope = if address.is_unicast_link_local() {
                index
            } else {
                0
            };
            SocketAddr::V6(SocketAddrV6::new(address, 0, 0, scope))
        }
    };
    SockAddr::from(address)
}
