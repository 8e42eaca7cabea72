//! Whole Ethernet frames, out of a device and into it.

use std::ffi::c_int;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};

use super::set_option;
use crate::vrrp::frame::{Claim, arp, ndp};

const ETHERTYPE_IPV6: u16 = 0x86dd;
/// linux/if_packet.h
const PACKET_IGNORE_OUTGOING: c_int = 23;
/// No ARP message and no neighbour discovery that matters is longer.
const FRAME_LEN: usize = 256;

/// Sends frames out of one device.
#[derive(Debug)]
pub(in crate::vrrp) struct LinkSocket {
    socket: Socket,
    device: SockAddr,
}

impl LinkSocket {
    pub(in crate::vrrp) fn open(index: u32) -> io::Result<Self> {
        // Protocol 0: the socket receives nothing.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        let device = link_address(index, 0)?;
        Ok(Self { socket, device })
    }

    pub(in crate::vrrp) fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &self.device).map(drop)
    }
}

/// Hears what hosts say about addresses: ARP, or IPv6's neighbour discovery.
#[derive(Debug)]
pub(in crate::vrrp) struct Listener {
    socket: Socket,
    ipv6: bool,
}

/// A classic BPF program: neighbour solicitations and advertisements, and no other IPv6.
const DISCOVERY: [SockFilter; 6] = [
    // Next header at its place in the frame, which must be ICMPv6.
    SockFilter::new(0x30, 0, 0, 20),
    SockFilter::new(0x15, 0, 3, 58),
    // Its type: 135 or 136.
    SockFilter::new(0x30, 0, 0, 54),
    SockFilter::new(0x15, 2, 0, 135),
    SockFilter::new(0x15, 1, 0, 136),
    SockFilter::new(0x06, 0, 0, 0),
];
const ACCEPT: SockFilter = SockFilter::new(0x06, 0, 0, u32::MAX);

impl Listener {
    pub(in crate::vrrp) fn open(index: u32, ipv6: bool) -> io::Result<Self> {
        let ethertype = if ipv6 { ETHERTYPE_IPV6 } else { arp::ETHERTYPE };
        // Protocol 0 until it is bound, so that nothing gets in before the filter.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None::<Protocol>)?;
        socket.set_nonblocking(true)?;
        if ipv6 {
            let [a, b, c, d, e, f] = DISCOVERY;
            socket.attach_filter(&[a, b, c, d, e, f, ACCEPT])?;
        }
        let on: c_int = 1;
        set_option(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &on)?;
        socket.bind(&link_address(index, ethertype)?)?;
        Ok(Self { socket, ipv6 })
    }

    /// The next claim; `WouldBlock` if nothing waits, `None` if it was none.
    pub(in crate::vrrp) fn next(&self) -> io::Result<Option<Claim>> {
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

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn link_address(index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the platform's socket address types.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::sa_family_t;
    link.sll_protocol = ethertype.to_be();
    link.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    link.sll_halen = 6;
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the storage was filled as `sockaddr_ll` above, and the length is that type's.
    Ok(unsafe { SockAddr::new(storage, len) })
}
