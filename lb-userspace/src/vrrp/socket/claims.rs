//! Hears who claims which address.

use std::io::{self, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Socket, Type};

use super::filter::{self, DROP_ALL};
use super::{bind_link, packet};
use crate::vrrp::frame::{Claim, arp, ndp};

/// The longest frame that is looked at: neighbour discovery without odd options.
const FRAME_LEN: usize = 256;
const ETHERTYPE_IPV6: u16 = 0x86dd;

/// Sees ARP or neighbour discovery of one interface.
///
/// It is there all the time, because closing it waits for the kernel's packet processing; as long
/// as nothing is watched its filter lets nothing in.
#[derive(Debug)]
pub(in crate::vrrp) struct ClaimSocket {
    socket: Socket,
    ipv6: bool,
}

impl ClaimSocket {
    pub(in crate::vrrp) fn open(ipv6: bool, index: u32) -> io::Result<Self> {
        let socket = packet(Type::RAW)?;
        socket.attach_filter(&DROP_ALL)?;
        let ethertype = if ipv6 { ETHERTYPE_IPV6 } else { arp::ETHERTYPE };
        bind_link(&socket, index, ethertype)?;
        Ok(Self { socket, ipv6 })
    }

    /// From now on claims to these addresses are heard, perhaps some to others, too.
    pub(in crate::vrrp) fn watch(&self, addresses: &[IpAddr]) -> io::Result<()> {
        if addresses.is_empty() {
            return self.socket.attach_filter(&DROP_ALL);
        }
        if self.ipv6 {
            // Few, and without an address at a fixed place.
            return self.socket.attach_filter(&filter::neighbour_discovery());
        }
        let v4 = |address: &IpAddr| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        };
        let addresses: Vec<_> = addresses.iter().filter_map(v4).collect();
        self.socket.attach_filter(&filter::arp_claims(&addresses))
    }

    /// The next claim, `None` if the next frame has none; `WouldBlock` if there is no frame.
    pub(in crate::vrrp) fn receive(&self) -> io::Result<Option<Claim>> {
        let mut buffer = [0; FRAME_LEN];
        let len = (&self.socket).read(&mut buffer)?;
        let frame = &buffer[..len];
        Ok(if self.ipv6 {
            ndp::claim(frame)
        } else {
            arp::claim(frame)
        })
    }
}

impl AsFd for ClaimSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
