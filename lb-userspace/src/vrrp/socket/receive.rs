//! Receives the VRRP messages of one family on one interface.

use std::ffi::c_int;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{Domain, InterfaceIndexOrAddress, Socket};

use super::{raw, set_option};
use crate::vrrp::packet::{self, GROUP_V4, GROUP_V6, Header};

/// Room for the two control messages that are asked for.
const CONTROL_LEN: usize = 128;

#[derive(Debug)]
pub(in crate::vrrp) struct ReceiveSocket {
    socket: Socket,
    ipv6: bool,
}

impl ReceiveSocket {
    /// `index` and `name` are the interface's; with `multicast` it is a member of VRRP's group.
    pub(in crate::vrrp) fn open(
        name: &str,
        index: u32,
        ipv6: bool,
        multicast: bool,
    ) -> io::Result<Self> {
        let on: c_int = 1;
        let socket;
        if ipv6 {
            socket = raw(Domain::IPV6, name)?;
            for option in [libc::IPV6_RECVHOPLIMIT, libc::IPV6_RECVPKTINFO] {
                set_option(&socket, libc::IPPROTO_IPV6, option, &on)?;
            }
            if multicast {
                socket.join_multicast_v6(&GROUP_V6, index)?;
            }
        } else {
            socket = raw(Domain::IPV4, name)?;
            socket.set_multicast_all_v4(false)?;
            if multicast {
                let interface = InterfaceIndexOrAddress::Index(index);
                socket.join_multicast_v4_n(&GROUP_V4, &interface)?;
            }
        }
        Ok(Self { socket, ipv6 })
    }

    /// The next message with what its IP header says, cut to `buffer`; `WouldBlock` if there is
    /// none, `None` if it is no VRRP message.
    pub(in crate::vrrp) fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
    ) -> io::Result<Option<(Header, &'b [u8])>> {
        if self.ipv6 {
            return self.receive_v6(buffer);
        }
        let len = io::Read::read(&mut &self.socket, buffer)?;
        Ok(packet::split_ipv4(&buffer[..len]).ok())
    }

    /// A raw IPv6 socket hands over no header: its fields come as control messages.
    fn receive_v6<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<(Header, &'b [u8])>> {
        // SAFETY: plain C structs, for which all zeros is a value.
        let (mut source, mut message): (libc::sockaddr_in6, libc::msghdr) =
            unsafe { mem::zeroed() };
        let mut control = MaybeUninit::<[u64; CONTROL_LEN / 8]>::zeroed();
        let mut vector = libc::iovec {
            iov_base: buffer.as_mut_ptr().cast(),
            iov_len: buffer.len(),
        };
        message.msg_name = (&raw mut source).cast();
        message.msg_namelen = size_of_val(&source) as libc::socklen_t;
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = CONTROL_LEN as _;
        // SAFETY: all that the message points to lives during the call, with the lengths given.
        let len = unsafe { libc::recvmsg(self.socket.as_raw_fd(), &raw mut message, 0) };
        let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
        let (hop_limit, destination) = control_fields(&message);
        let header = hop_limit.zip(destination).map(|(ttl, destination)| Header {
            source: Ipv6Addr::from(source.sin6_addr.s6_addr).into(),
            destination,
            ttl,
        });
        Ok(header.map(|header| (header, &buffer[..len])))
    }
}

/// Hop limit and destination of a received message.
fn control_fields(message: &libc::msghdr) -> (Option<u8>, Option<IpAddr>) {
    let (mut hop_limit, mut destination) = (None, None);
    // SAFETY: the kernel filled the control buffer and its length in.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: null, or a whole header within the buffer; so are those that follow.
    while let Some(header) = unsafe { next.as_ref() } {
        // SAFETY: the data follow the header.
        let data = unsafe { libc::CMSG_DATA(header) };
        match (header.cmsg_level, header.cmsg_type) {
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                // SAFETY: this kind of message holds an int, at any alignment.
                let limit = unsafe { data.cast::<c_int>().read_unaligned() };
                hop_limit = u8::try_from(limit).ok();
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                // SAFETY: this kind of message holds an `in6_pktinfo`, at any alignment.
                let info = unsafe { data.cast::<libc::in6_pktinfo>().read_unaligned() };
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
            }
            _ => (),
        }
        // SAFETY: both belong together, see above.
        next = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    (hop_limit, destination)
}

impl AsFd for ReceiveSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
