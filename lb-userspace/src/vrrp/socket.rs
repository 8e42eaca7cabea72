//! The raw IPv4 sockets of an interface, all non-blocking and confined to it.
//!
//! Two of them, because a socket bound to our source address would not be given multicast.

use std::ffi::c_int;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockAddr, SockFilter, Socket, Type};

use super::packet::{GROUP_V4, PROTOCOL};

/// RFC 9568 section 5.1.1.3: receivers drop anything else, so it cannot come from afar.
const TTL: u32 = 255;
/// DSCP CS6, "network control": adverts come first in queues that know of it.
const TOS: u32 = 0xc0;
/// The same for the host's own queueing discipline (TC_PRIO_CONTROL).
const PRIORITY: u32 = 7;
/// A classic BPF program of one instruction: "return 0", nothing gets in.
const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// Receives all VRRP of an interface, IP headers included.
#[derive(Debug)]
pub(super) struct ReceiveSocket(Socket);

impl ReceiveSocket {
    pub(super) fn open(name: &str, index: u32) -> io::Result<Self> {
        let socket = raw(name)?;
        socket.join_multicast_v4_n(&GROUP_V4, &InterfaceIndexOrAddress::Index(index))?;
        socket.set_multicast_all_v4(false)?;
        Ok(Self(socket))
    }

    /// The next datagram with its IP header, cut to `buffer`; `WouldBlock` if there is none.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl AsFd for ReceiveSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends VRRP messages to the group; the kernel writes the IP header.
#[derive(Debug)]
pub(super) struct SendSocket(Socket);

impl SendSocket {
    pub(super) fn open(name: &str, index: u32, source: Ipv4Addr) -> io::Result<Self> {
        let socket = raw(name)?;
        // Every raw socket of the protocol is given its packets: this one would only fill up.
        socket.attach_filter(&DROP_ALL)?;
        socket.bind(&SockAddr::from(SocketAddrV4::new(source, 0)))?;
        set_multicast_interface(&socket, index)?;
        socket.set_multicast_loop_v4(false)?;
        socket.set_multicast_ttl_v4(TTL)?;
        socket.set_ttl_v4(TTL)?;
        socket.set_tos_v4(TOS)?;
        socket.set_priority(PRIORITY)?;
        Ok(Self(socket))
    }

    pub(super) fn send(&self, message: &[u8]) -> io::Result<()> {
        let group = SockAddr::from(SocketAddrV4::new(GROUP_V4, 0));
        self.0.send_to(message, &group).map(drop)
    }
}

fn raw(name: &str) -> io::Result<Socket> {
    let protocol = Protocol::from(c_int::from(PROTOCOL));
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(name.as_bytes()))?;
    Ok(socket)
}

/// IP_MULTICAST_IF by index: socket2 knows only the form by address, which two interfaces may share.
fn set_multicast_interface(socket: &Socket, index: u32) -> io::Result<()> {
    let request = libc::ip_mreqn {
        imr_multiaddr: libc::in_addr { s_addr: 0 },
        imr_address: libc::in_addr { s_addr: 0 },
        imr_ifindex: c_int::try_from(index).map_err(io::Error::other)?,
    };
    // SAFETY: `request` is what the option asks for, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_MULTICAST_IF,
            (&raw const request).cast(),
            size_of_val(&request) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
