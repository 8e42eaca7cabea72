//! Servers that take connections and end them when the other side does, and watch the clock.

use std::collections::HashMap;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

use super::INTERVAL;
use crate::netns::Netns;

const BACKLOG: i32 = 4096;
/// Between two looks whether this is over.
const LOOK: i32 = 200;

/// What came in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The longest time between two connections to a server, less the interval.
    pub(super) worst: Duration,
}

/// See the module's description. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Listeners {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<Result<()>>>>,
}

#[derive(Debug, Default)]
struct Shared {
    over: AtomicBool,
    seen: Mutex<(Seen, HashMap<SocketAddrV4, Instant>)>,
}

impl Listeners {
    /// On all addresses of a namespace.
    pub(super) fn start(netns: &Netns, ports: Range<u16>) -> Result<Self> {
        let shared = Arc::<Shared>::default();
        let listening = netns.run(move || ports.map(listen).collect::<io::Result<Vec<_>>>())?;
        let listening = listening.context("listening")?;
        let theirs = Arc::clone(&shared);
        let thread = netns.spawn(move || serve(&listening, &theirs).context("serving"));
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// From now on counts what comes.
    pub(super) fn forget(&self) {
        *self.shared.seen() = Default::default();
    }

    pub(super) fn seen(&self) -> Seen {
        self.shared.seen().0
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && let Ok(Ok(Err(error))) = thread.join()
        {
            eprintln!("the listeners ended early: {error:#}");
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, (Seen, HashMap<SocketAddrV4, Instant>)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self, to: SocketAddrV4) {
        let now = Instant::now();
        let (seen, last) = &mut *self.seen();
        if let Some(last) = last.insert(to, now) {
            let late = (now - last).saturating_sub(INTERVAL);
            seen.worst = seen.worst.max(late);
        }
    }
}

fn listen(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn serve(listening: &[Socket], shared: &Shared) -> io::Result<()> {
    // SAFETY: takes an integer.
    let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    for socket in listening {
        watch(epoll, socket.as_raw_fd())?;
    }
    let mut connections: HashMap<RawFd, Socket> = HashMap::new();
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 256];
    while !shared.over.load(Ordering::Relaxed) {
        // SAFETY: the array has room for as many events as are asked for.
        let count = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 256, LOOK) };
        for event in &events[..usize::try_from(count).unwrap_or(0)] {
            let fd = event.u64 as RawFd;
            if connections.remove(&fd).is_some() {
                // Its end came, and it is closed by now.
                continue;
            }
            let Some(socket) = listening.iter().find(|one| one.as_raw_fd() == fd) else {
                continue;
            };
            while let Ok((connection, _)) = socket.accept() {
                if let Some(to) = connection.local_addr()?.as_socket_ipv4() {
                    shared.connected(to);
                }
                watch(epoll, connection.as_raw_fd())?;
                connections.insert(connection.as_raw_fd(), connection);
            }
        }
    }
    // SAFETY: it is ours and open.
    unsafe { libc::close(epoll) };
    Ok(())
}

fn watch(epoll: RawFd, fd: RawFd) -> io::Result<()> {
    // SAFETY: zeros are an event without meaning, which is filled in.
    let mut event: libc::epoll_event = unsafe { mem::zeroed() };
    event.events = libc::EPOLLIN as u32;
    event.u64 = fd as u64;
    // SAFETY: both descriptors are open, and the event outlives the call.
    check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &raw mut event) }).map(drop)
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
