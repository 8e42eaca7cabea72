//! The sockets of the protocol, all non-blocking and confined to one interface.
//!
//! Multicast and announcements leave as whole frames ([`link`]), so that neither routes nor the
//! addresses of the device they leave by matter; unicast leaves by IP ([`unicast`]). What comes in
//! is read from IP, or from the link ([`receive`]).

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, Socket, Type};

use super::packet::PROTOCOL;

pub(super) mod claims;
mod filter;
pub(super) mod link;
pub(super) mod receive;
pub(super) mod unicast;

/// TC_PRIO_CONTROL: adverts come first in the host's own queueing discipline.
const PRIORITY: u32 = 7;
/// Room for the messages of 255 virtual routers that a busy moment keeps waiting.
const BUFFER: c_int = 1 << 20;

/// A raw IP socket for VRRP on one interface.
fn raw(ipv6: bool, name: &str) -> io::Result<Socket> {
    let domain = if ipv6 { Domain::IPV6 } else { Domain::IPV4 };
    let protocol = Protocol::from(c_int::from(PROTOCOL));
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(name.as_bytes()))?;
    Ok(socket)
}

/// A socket for whole frames. It receives nothing before [`bind_link`].
fn packet(kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, kind, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Receives frames of `ethertype` that come in on an interface.
fn bind_link(socket: &Socket, index: u32, ethertype: u16) -> io::Result<()> {
    socket.bind(&link::address(index, ethertype)?)
}

/// Makes room as far as it is allowed: the smaller buffer does, too, most of the time.
fn enlarge(socket: &Socket, forced: c_int, plain: c_int) {
    if set_option(socket, libc::SOL_SOCKET, forced, BUFFER).is_err() {
        let _ = set_option(socket, libc::SOL_SOCKET, plain, BUFFER);
    }
}

/// Sets an option that is a number.
fn set_option(socket: &Socket, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: `value` is what the option asks for, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
