//! What the kernel takes for a probe: the same system calls at the same rate, and nothing around
//! them.

use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddrV4};
use std::ops::Range;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use super::{SERVERS, server};
use crate::netns::Netns;

/// Ten thousand a second.
const AT_ONCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// Processor time of one, from a namespace with servers on these ports.
pub(super) fn measure(netns: &Netns, ports: Range<u16>) -> Result<Duration> {
    netns.run(move || {
        let own = || -> Result<Duration> {
            let text = fs::read_to_string("/proc/thread-self/schedstat").context("schedstat")?;
            let time = text.split(' ').next().and_then(|it| it.parse().ok());
            time.map(Duration::from_nanos).context("schedstat")
        };
        let before = own()?;
        let mut count = 0;
        for port in ports {
            for number in 1..=SERVERS {
                probe(SocketAddrV4::new(server(number), port)).context("a bare probe")?;
                count += 1;
                if count % AT_ONCE == 0 {
                    thread::sleep(PAUSE);
                }
            }
        }
        Ok(own()?.saturating_sub(before) / count.max(1))
    })?
}

fn probe(to: SocketAddrV4) -> io::Result<()> {
    let kind = Type::STREAM.nonblocking();
    let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::TCP))?;
    let to = to.into();
    // Begins, and asks what came of it.
    if let Err(error) = socket.connect(&to)
        && error.raw_os_error() != Some(libc::EINPROGRESS)
    {
        return Err(error);
    }
    // On a busy host the kernel puts the server's part off.
    while let Err(error) = socket.connect(&to) {
        if error.raw_os_error() != Some(libc::EALREADY) {
            return Err(error);
        }
        thread::yield_now();
    }
    socket.shutdown(Shutdown::Write)
}
