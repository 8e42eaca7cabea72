//! The kernel's word that interfaces or addresses have changed: no more than that, since what they
//! are like then is looked up.

use std::io::{self, Read};
use std::os::fd::FromRawFd;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{SockAddr, SockAddrStorage, Socket};

/// Changes of links and of the addresses of both families.
const GROUPS: u32 =
    (libc::RTMGRP_LINK | libc::RTMGRP_IPV4_IFADDR | libc::RTMGRP_IPV6_IFADDR) as u32;

/// A socket that can be read when something has changed.
#[derive(Debug)]
pub(super) struct Watch(Socket);

impl Watch {
    pub(super) fn open() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: no pointers; the result is checked.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and is nobody else's.
        let socket = unsafe { Socket::from_raw_fd(fd) };
        let mut storage = SockAddrStorage::zeroed();
        // SAFETY: `sockaddr_nl` is one of the platform's socket address types.
        let address = unsafe { storage.view_as::<libc::sockaddr_nl>() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = GROUPS;
        let len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
        // SAFETY: the storage was filled as `sockaddr_nl` above, and the length is that type's.
        socket.bind(&unsafe { SockAddr::new(storage, len) })?;
        Ok(Self(socket))
    }

    /// Forgets what was said so far; whether it was anything.
    pub(super) fn clear(&self) -> bool {
        let mut buffer = [0; 8192];
        let mut any = false;
        loop {
            match (&self.0).read(&mut buffer) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                // Too much to keep, ENOBUFS: that is a change as well.
                Err(_) => return true,
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
