//! Frames as a switch's port gets them.

use std::ffi::CString;
use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use crate::netns::Netns;

/// Longer than any frame here.
const FRAME: usize = 2048;
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Listens to the host behind one port.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
}

impl Wire {
    /// Listens on interface `port` of a namespace.
    ///
    /// # Errors
    /// A packet socket cannot be opened.
    pub fn open(switch: &Netns, port: String) -> Result<Self> {
        let socket = switch.run(move || open(&port))??;
        Ok(Self { socket })
    }

    /// The next frame from the host for which `wanted` has something to say, and when it came.
    ///
    /// # Errors
    /// Reading failed.
    pub fn next<T>(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&[u8]) -> Option<T>,
    ) -> Result<Option<(T, Instant)>> {
        let deadline = Instant::now() + limit;
        let mut frame = [0; FRAME];
        while Instant::now() < deadline {
            match self.socket.read(&mut frame) {
                Ok(length) => {
                    let at = Instant::now();
                    if let Some(found) = wanted(&frame[..length]) {
                        return Ok(Some((found, at)));
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error).context("reading a frame"),
            }
        }
        Ok(None)
    }
}

fn open(port: &str) -> Result<Socket> {
    let all = (libc::ETH_P_ALL as u16).to_be();
    let protocol = Protocol::from(i32::from(all));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol));
    let socket = socket.context("opening a packet socket")?;
    let name = CString::new(port).context("a NUL in a name")?;
    // SAFETY: the name lives during the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    // SAFETY: `sockaddr_ll` is made of integers.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = all;
    address.sll_ifindex = i32::try_from(index).context("an index")?;
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: the address lives during the call and has the length that is given.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if result != 0 {
        return Err(std::io::Error::last_os_error()).context("binding a packet socket");
    }
    socket.set_read_timeout(Some(LOOK_AGAIN))?;
    // What the switch sends to the host is not of interest.
    const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
    let on: libc::c_int = 1;
    // SAFETY: the option's value lives during the call and has the length that is given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            PACKET_IGNORE_OUTGOING,
            (&raw const on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    if result != 0 {
        return Err(std::io::Error::last_os_error()).context("listening to the host alone");
    }
    Ok(socket)
}
