//! The sockets of the protocol's thread, all non-blocking and confined to one device.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::packet::PROTOCOL;

mod link;
mod receive;
mod send;

pub(super) use link::{LinkSocket, Listener};
pub(super) use receive::ReceiveSocket;
pub(super) use send::SendSocket;

/// The host's own queueing discipline shall send it first (TC_PRIO_CONTROL).
const PRIORITY: u32 = 7;
/// A classic BPF program of one instruction: "return 0", nothing gets in.
const DROP_ALL: [SockFilter; 1] = [SockFilter::new(0x06, 0, 0, 0)];

/// A raw socket for VRRP on the device `name`.
fn raw(domain: Domain, name: &str) -> io::Result<Socket> {
    let protocol = Protocol::from(c_int::from(PROTOCOL));
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind_device(Some(name.as_bytes()))?;
    Ok(socket)
}

/// setsockopt(2) for what socket2 does not know.
fn set_option<T>(socket: &Socket, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    // SAFETY: the value lives during the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
