//! Gratuitous ARP: tells the link which MAC a virtual address has now.
//!
//! [`gratuitous`] is PURE; [`ArpSocket`] sends.

use std::io;
use std::net::Ipv4Addr;

use socket2::{Domain, SockAddr, SockAddrStorage, Socket, Type};

const BROADCAST: [u8; 6] = [0xff; 6];
const ETHERTYPE_ARP: u16 = 0x0806;
const FRAME_LEN: usize = 42;

/// An untagged Ethernet frame with a gratuitous ARP request for `address` from `mac`.
///
/// RFC 9568 section 8.1.2 with errata 7947 and 7949: sender and target protocol address are the
/// virtual address; the target hardware address is the one to use. The request form is the one
/// that RFC 5227 section 3 found every host to listen to.
pub fn gratuitous(mac: [u8; 6], address: Ipv4Addr) -> [u8; FRAME_LEN] {
    /// Ethernet, IPv4, 6 and 4 bytes of address, operation 1 = request.
    const FIXED: [u8; 8] = [0, 1, 0x08, 0x00, 6, 4, 0, 1];
    let address = address.octets();
    let mut frame = [0; FRAME_LEN];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&BROADCAST);
    put(&mac);
    put(&ETHERTYPE_ARP.to_be_bytes());
    put(&FIXED);
    put(&mac);
    put(&address);
    put(&mac);
    put(&address);
    frame
}

/// Sends ARP frames out of one interface.
#[derive(Debug)]
pub struct ArpSocket {
    socket: Socket,
    interface: SockAddr,
    mac: [u8; 6],
}

impl ArpSocket {
    /// `index` and `mac` are the interface's.
    ///
    /// # Errors
    /// The system's, such as a missing CAP_NET_RAW.
    pub fn open(index: u32, mac: [u8; 6]) -> io::Result<Self> {
        // Protocol 0: the socket receives nothing.
        let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            interface: link_address(index)?,
            mac,
        })
    }

    /// Sends one gratuitous ARP request for `address`.
    ///
    /// # Errors
    /// The system's, such as ENETDOWN.
    pub fn announce(&self, address: Ipv4Addr) -> io::Result<()> {
        let frame = gratuitous(self.mac, address);
        self.socket.send_to(&frame, &self.interface).map(drop)
    }
}

fn link_address(index: u32) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the platform's socket address types.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = libc::AF_PACKET as libc::sa_family_t;
    link.sll_protocol = ETHERTYPE_ARP.to_be();
    link.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    link.sll_halen = 6;
    link.sll_addr[..6].copy_from_slice(&BROADCAST);
    let len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the storage was filled as `sockaddr_ll` above, and the length is that type's.
    Ok(unsafe { SockAddr::new(storage, len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_is_a_broadcast_request_for_ourselves() {
        let frame = gratuitous([2, 0, 0, 0, 0, 0x51], Ipv4Addr::new(192, 0, 2, 10));
        let expected = [
            &[0xff; 6][..],
            &[2, 0, 0, 0, 0, 0x51],
            &[0x08, 0x06],
            &[0, 1, 0x08, 0x00, 6, 4, 0, 1],
            &[2, 0, 0, 0, 0, 0x51, 192, 0, 2, 10],
            &[2, 0, 0, 0, 0, 0x51, 192, 0, 2, 10],
        ]
        .concat();
        assert_eq!(frame[..], expected[..]);
    }
}
