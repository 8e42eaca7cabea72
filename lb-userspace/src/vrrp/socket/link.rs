//! Sends whole frames.

use std::io;

use socket2::{SockAddr, SockAddrStorage, Socket, Type};

use super::{PRIORITY, enlarge, packet};

/// Sends frames out of any device.
#[derive(Debug)]
pub(in crate::vrrp) struct LinkSocket(Socket);

impl LinkSocket {
    pub(in crate::vrrp) fn open() -> io::Result<Self> {
        let socket = packet(Type::RAW)?;
        socket.set_priority(PRIORITY)?;
        enlarge(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF);
        Ok(Self(socket))
    }

    /// Sends a frame, Ethernet header included, out of a device.
    pub(in crate::vrrp) fn send(&self, device: u32, frame: &[u8]) -> io::Result<()> {
        // The frame has the ethertype, too; the queueing discipline goes by this one.
        let ethertype = frame.get(12..).and_then(|rest| rest.first_chunk().copied());
        let ethertype = u16::from_be_bytes(ethertype.unwrap_or_default());
        let to = address(device, ethertype)?;
        self.0.send_to(frame, &to).map(drop)
    }
}

/// `ethertype` on a device.
pub(super) fn address(device: u32, ethertype: u16) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the platform's socket address types.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::sa_family_t;
    link.sll_protocol = ethertype.to_be();
    link.sll_ifindex = i32::try_from(device).map_err(io::Error::other)?;
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the storage was filled as `sockaddr_ll` above, and the length is that type's.
    Ok(unsafe { SockAddr::new(storage, len) })
}
