//! Watches the host's interfaces, on a thread of its own.
//!
//! Listing interfaces, and closing sockets of them, waits for whoever changes some at that moment
//! anywhere on the host (the kernel's RTNL lock, and its packet processing): tens of milliseconds
//! that an advertisement has not got.

use std::any::Any;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use tracing::warn;

use super::poll::{self, Waker};
use crate::vrrp::interface::{self, Interfaces};

/// Time between two looks without a message: should one have been lost.
const REFRESH: Duration = Duration::from_secs(1);
/// Least time between two looks: a burst of messages is looked at as one.
const PAUSE: Duration = Duration::from_millis(5);
/// Link, IPv4 address and IPv6 address, as bits (linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;

/// All interfaces as they were at a time.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Before they were listed.
    pub(super) taken: Instant,
    pub(super) interfaces: Interfaces,
}

impl Snapshot {
    pub(super) fn take() -> io::Result<Self> {
        let taken = Instant::now();
        let interfaces = interface::list()?;
        Ok(Self { taken, interfaces })
    }
}

/// The watching thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Links {
    snapshots: Receiver<Snapshot>,
    closing: Option<Sender<Box<dyn Any + Send>>>,
    alarm: Arc<Waker>,
}

impl Links {
    /// Watches the caller's network namespace; `waker` is called for each snapshot.
    pub(super) fn watch(waker: Arc<Waker>) -> io::Result<Self> {
        let (snapshot, snapshots) = mpsc::channel();
        let (closing, closed) = mpsc::channel();
        let alarm = Arc::new(Waker::new()?);
        // Before the thread runs: what changes from now on is not missed.
        let socket = open().inspect_err(|error| {
            warn!(%error, "interfaces are looked at once a second only");
        });
        let watcher = Watcher {
            socket: socket.ok(),
            alarm: Arc::clone(&alarm),
            closed,
            snapshot,
            waker,
        };
        Builder::new()
            .name("lvx-vrrp-links".to_owned())
            .spawn(move || watcher.run())?;
        Ok(Self {
            snapshots,
            closing: Some(closing),
            alarm,
        })
    }

    /// The latest that came since the last call.
    pub(super) fn latest(&self) -> Option<Snapshot> {
        self.snapshots.try_iter().last()
    }

    /// Closes sockets on the other thread.
    pub(super) fn close(&self, sockets: Box<dyn Any + Send>) {
        // Should that thread have died they are closed here and now.
        if let Some(closing) = &self.closing
            && closing.send(sockets).is_ok()
        {
            self.alarm.wake();
        }
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.closing = None;
        self.alarm.wake();
    }
}

struct Watcher {
    socket: Option<Socket>,
    alarm: Arc<Waker>,
    closed: Receiver<Box<dyn Any + Send>>,
    snapshot: Sender<Snapshot>,
    waker: Arc<Waker>,
}

impl Watcher {
    fn run(self) {
        let mut look_at = Instant::now();
        loop {
            match self.wait(look_at) {
                Ok(true) => look_at = look_at.min(Instant::now() + PAUSE),
                Ok(false) => (),
                Err(error) => {
                    warn!(%error, "waiting for changes of the interfaces failed");
                    thread::sleep(PAUSE);
                }
            }
            self.alarm.clear();
            loop {
                match self.closed.try_recv() {
                    Ok(sockets) => drop(sockets),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            if Instant::now() < look_at {
                continue;
            }
            look_at = Instant::now() + REFRESH;
            match Snapshot::take() {
                Ok(snapshot) => {
                    // Fails only when nobody wants to know any more.
                    if self.snapshot.send(snapshot).is_err() {
                        return;
                    }
                    self.waker.wake();
                }
                Err(error) => warn!(%error, "cannot list the interfaces"),
            }
        }
    }

    /// Waits until then, for a change or for the alarm. Returns whether something has changed.
    fn wait(&self, until: Instant) -> io::Result<bool> {
        let timeout = until.saturating_duration_since(Instant::now());
        let Some(socket) = &self.socket else {
            poll::wait(&[self.alarm.as_fd()], timeout)?;
            return Ok(false);
        };
        let ready = poll::wait(&[self.alarm.as_fd(), socket.as_fd()], timeout)?;
        if ready[1] {
            drain(socket);
        }
        Ok(ready[1])
    }
}

fn open() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, GROUPS))?;
    socket.set_non_blocking(true)?;
    Ok(socket)
}

/// What has changed is found out by listing all; that messages were lost means the same.
fn drain(socket: &Socket) {
    const ENOUGH: usize = 1024;
    let mut buffer = Vec::with_capacity(64);
    for _ in 0..ENOUGH {
        buffer.clear();
        match socket.recv(&mut buffer, libc::MSG_TRUNC) {
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            // Overrun: said once, then the messages that are left follow.
            Err(_) => (),
        }
    }
}
