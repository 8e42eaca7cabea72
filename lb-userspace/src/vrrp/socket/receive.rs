//! Receives all VRRP of an interface.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{InterfaceIndexOrAddress, Socket, Type};

use super::filter::{self, DROP_ALL};
use super::{bind_link, enlarge, packet, raw, set_option};
use crate::vrrp::checksum;
use crate::vrrp::packet::{GROUP_V4, GROUP_V6, Header, PROTOCOL, split_ipv4};

/// Where messages are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vrrp) enum Tap {
    /// From IP.
    Ip,
    /// From the link, before macvlan devices get their turn: one in private mode takes every
    /// frame that has its own MAC as source, and so do those of a master with the same virtual
    /// MAC. All the host's packets pass this socket's filter, so it is used where it must.
    Link,
}

/// One per interface and family.
#[derive(Debug)]
pub(in crate::vrrp) struct ReceiveSocket {
    /// Holds the membership, and receives if `link` does not.
    ip: Socket,
    link: Option<Socket>,
    ipv6: bool,
    index: u32,
    joined: bool,
}

impl ReceiveSocket {
    pub(in crate::vrrp) fn open(ipv6: bool, name: &str, index: u32, tap: Tap) -> io::Result<Self> {
        let ip = raw(ipv6, name)?;
        if ipv6 {
            ip.set_multicast_all_v6(false)?;
            ip.set_recv_hoplimit_v6(true)?;
            set_option(&ip, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        } else {
            ip.set_multicast_all_v4(false)?;
        }
        let link = match tap {
            Tap::Ip => {
                enlarge(&ip, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF);
                None
            }
            Tap::Link => {
                ip.attach_filter(&DROP_ALL)?;
                Some(open_link(ipv6, index)?)
            }
        };
        Ok(Self {
            ip,
            link,
            ipv6,
            index,
            joined: false,
        })
    }

    /// Joins or leaves VRRP's multicast group.
    pub(in crate::vrrp) fn set_joined(&mut self, joined: bool) -> io::Result<()> {
        if self.joined == joined {
            return Ok(());
        }
        let interface = InterfaceIndexOrAddress::Index(self.index);
        match (self.ipv6, joined) {
            (false, true) => self.ip.join_multicast_v4_n(&GROUP_V4, &interface)?,
            (false, false) => self.ip.leave_multicast_v4_n(&GROUP_V4, &interface)?,
            (true, true) => self.ip.join_multicast_v6(&GROUP_V6, self.index)?,
            (true, false) => self.ip.leave_multicast_v6(&GROUP_V6, self.index)?,
        }
        self.joined = joined;
        Ok(())
    }

    /// The next message, cut to `buffer`; `None` if the next packet is none, `WouldBlock` if there
    /// is no packet.
    pub(in crate::vrrp) fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<(Header, &'b [u8])>> {
        if let Some(link) = &self.link {
            let len = { link }.read(buffer)?;
            let packet = &buffer[..len];
            return Ok(if self.ipv6 {
                split_ipv6(packet)
            } else {
                split_whole_ipv4(packet)
            });
        }
        if self.ipv6 {
            let (len, header) = receive_v6(&self.ip, buffer)?;
            return Ok(header.map(|header| (header, &buffer[..len])));
        }
        let len = (&self.ip).read(buffer)?;
        Ok(split_ipv4(&buffer[..len]).ok())
    }
}

impl AsFd for ReceiveSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_ref().unwrap_or(&self.ip).as_fd()
    }
}

fn open_link(ipv6: bool, index: u32) -> io::Result<Socket> {
    let socket = packet(Type::DGRAM)?;
    socket.attach_filter(&filter::vrrp(ipv6))?;
    // Else the kernel would copy all that the host sends, for this socket to refuse it.
    let ignore_outgoing = 23;
    set_option(&socket, libc::SOL_PACKET, ignore_outgoing, 1)?;
    enlarge(&socket, libc::SO_RCVBUFFORCE, libc::SO_RCVBUF);
    // Only those sockets that take every ethertype are asked before the macvlan devices.
    bind_link(&socket, index, libc::ETH_P_ALL as u16)?;
    Ok(socket)
}

/// As IP would hand it over: whole, and with a correct header.
fn split_whole_ipv4(packet: &[u8]) -> Option<(Header, &[u8])> {
    /// "More fragments" and the offset.
    const FRAGMENT: u16 = 0x3fff;
    let (header, message) = split_ipv4(packet).ok()?;
    let header_len = usize::from(packet.first()? & 0x0f) * 4;
    let fragment = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]);
    let correct = checksum::plain(packet.get(..header_len)?) == 0;
    (correct && fragment & FRAGMENT == 0).then_some((header, message))
}

/// Splits a raw IPv6 packet into header and VRRP message; extension headers are not let in.
pub(in crate::vrrp) fn split_ipv6(packet: &[u8]) -> Option<(Header, &[u8])> {
    let (fixed, rest) = packet.split_first_chunk::<40>()?;
    if fixed[0] >> 4 != 6 || fixed[6] != PROTOCOL {
        return None;
    }
    let message = rest.get(..usize::from(u16::from_be_bytes([fixed[4], fixed[5]])))?;
    let header = Header {
        source: Ipv6Addr::from(*fixed[8..].first_chunk::<16>()?).into(),
        destination: Ipv6Addr::from(*fixed[24..].first_chunk::<16>()?).into(),
        ttl: fixed[7],
    };
    Some((header, message))
}

/// Of IPv6 the kernel hands over the payload, and of the header what was asked for.
fn receive_v6(socket: &Socket, buffer: &mut [u8]) -> io::Result<(usize, Option<Header>)> {
    /// Room for both messages, aligned as they must be.
    #[repr(C, align(8))]
    struct Control([u8; 128]);
    let mut control = Control([0; 128]);
    // SAFETY: structures of integers and pointers, for which zeros are valid.
    let (mut source, mut message) = unsafe {
        (
            std::mem::zeroed::<libc::sockaddr_in6>(),
            std::mem::zeroed::<libc::msghdr>(),
        )
    };
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    message.msg_name = (&raw mut source).cast();
    message.msg_namelen = size_of_val(&source) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: all that the message points to outlives the call, with the lengths given.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
    let (mut destination, mut hop_limit) = (None, None);
    // SAFETY: the kernel filled the control buffer and set its length; each header is read where
    // CMSG_FIRSTHDR and CMSG_NXTHDR find one, and its data by its type, unaligned.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(entry) = next.as_ref() {
            let data = libc::CMSG_DATA(next);
            match (entry.cmsg_level, entry.cmsg_type) {
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                    let limit = data.cast::<libc::c_int>().read_unaligned();
                    hop_limit = u8::try_from(limit).ok();
                }
                _ => (),
            }
            next = libc::CMSG_NXTHDR(&raw const message, next);
        }
    }
    let header = destination.zip(hop_limit).map(|(destination, ttl)| Header {
        source: IpAddr::V6(Ipv6Addr::from(source.sin6_addr.s6_addr)),
        destination: destination.into(),
        ttl,
    });
    Ok((len, header))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::frame;

    const MESSAGE: [u8; 4] = [0x31, 51, 100, 1];

    fn packet(source: &str, group: &str) -> Vec<u8> {
        let (source, group) = (source.parse().unwrap(), group.parse().unwrap());
        let frame = frame::advertisement([2, 0, 0, 0, 0, 1], source, group, &MESSAGE);
        frame.unwrap().split_off(14)
    }

    #[test]
    fn ipv4_must_be_whole_and_correct() {
        let mut packet = packet("192.0.2.1", "224.0.0.18");
        packet.resize(46, 0);
        let (header, message) = split_whole_ipv4(&packet).unwrap();
        assert_eq!((header.ttl, message), (255, &MESSAGE[..]));
        // Any change of the header shows; made up for elsewhere, a fragment is still none.
        let mut broken = packet.clone();
        broken[8] = 254;
        assert_eq!(split_whole_ipv4(&broken), None);
        let mut fragment = packet.clone();
        fragment[6] ^= 0x20;
        fragment[10..12].copy_from_slice(&[0, 0]);
        let sum = checksum::plain(&fragment[..20]);
        fragment[10..12].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(split_whole_ipv4(&fragment), None);
        for len in 0..24 {
            assert_eq!(split_whole_ipv4(&packet[..len]), None);
        }
    }

    #[test]
    fn ipv6_is_split_and_cut() {
        let mut packet = packet("fe80::1", "ff02::12");
        packet.push(0);
        let (header, message) = split_ipv6(&packet).unwrap();
        let expected = Header {
            source: "fe80::1".parse().unwrap(),
            destination: GROUP_V6.into(),
            ttl: 255,
        };
        assert_eq!((header, message), (expected, &MESSAGE[..]));
        for len in 0..44 {
            assert_eq!(split_ipv6(&packet[..len]), None);
        }
        packet[6] = 58;
        assert_eq!(split_ipv6(&packet), None);
    }
}
