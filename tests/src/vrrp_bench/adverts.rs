//! Advertisements as a third host of the network hears them, with the kernel's time of arrival.

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Protocol, Socket, Type};

use crate::netns::Netns;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VRRP: i32 = 112;

/// One advertisement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Since 1970.
    pub(crate) at: Duration,
    pub(crate) source: Ipv4Addr,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
}

/// A listener on a host.
#[derive(Debug)]
pub(crate) struct Adverts(Socket);

impl Adverts {
    pub(crate) fn listen(netns: &Netns, own: Ipv4Addr) -> Result<Self> {
        netns
            .run(move || {
                let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(VRRP)))?;
                socket.join_multicast_v4(&GROUP, &own)?;
                socket.set_recv_buffer_size(4 << 20)?;
                socket.set_read_timeout(Some(Duration::from_secs(15)))?;
                let on: libc::c_int = 1;
                // SAFETY: the option takes an integer, whose size is given.
                let set = unsafe {
                    libc::setsockopt(
                        socket.as_raw_fd(),
                        libc::SOL_SOCKET,
                        libc::SO_TIMESTAMPNS,
                        (&raw const on).cast(),
                        size_of_val(&on) as libc::socklen_t,
                    )
                };
                if set != 0 {
                    return Err(io::Error::last_os_error());
                }
                Ok(Self(socket))
            })?
            .context("listening for advertisements")
    }

    /// Drops what has come in by now.
    pub(crate) fn forget(&self) -> Result<()> {
        self.0.set_nonblocking(true)?;
        let mut buffer = [MaybeUninit::uninit(); 64];
        while self.0.recv(&mut buffer).is_ok() {}
        self.0.set_nonblocking(false)?;
        Ok(())
    }

    /// The next advertisement.
    pub(crate) fn next(&self) -> Result<Heard> {
        let mut datagram = [0_u8; 256];
        let mut control = [0_u64; 16];
        let mut vector = libc::iovec {
            iov_base: datagram.as_mut_ptr().cast(),
            iov_len: datagram.len(),
        };
        // SAFETY: all zeros is a valid, empty `msghdr`.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        // SAFETY: `message` names live buffers with their sizes.
        let length = unsafe { libc::recvmsg(self.0.as_raw_fd(), &raw mut message, 0) };
        let length = usize::try_from(length)
            .map_err(|_| io::Error::last_os_error())
            .context("waiting for an advertisement")?;
        let at = timestamp(&message).context("a datagram without its time")?;
        let header = usize::from(datagram[0] & 0x0f) * 4;
        ensure!(length >= header + 8, "an advertisement of {length} bytes");
        let source: [u8; 4] = datagram[12..16].try_into().context("an address")?;
        Ok(Heard {
            at,
            source: source.into(),
            vrid: datagram[header + 1],
            priority: datagram[header + 2],
        })
    }
}

fn timestamp(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: recvmsg has filled `message`, whose buffers live as long as it.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: null, or a header inside the control buffer.
    while let Some(found) = unsafe { header.as_ref() } {
        if found.cmsg_level == libc::SOL_SOCKET && found.cmsg_type == libc::SCM_TIMESTAMPNS {
            // SAFETY: this message is a `timespec`; the read needs no alignment.
            let time =
                unsafe { ptr::read_unaligned(libc::CMSG_DATA(header).cast::<libc::timespec>()) };
            let seconds = u64::try_from(time.tv_sec).ok()?;
            return Some(Duration::new(seconds, u32::try_from(time.tv_nsec).ok()?));
        }
        // SAFETY: as above.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}
