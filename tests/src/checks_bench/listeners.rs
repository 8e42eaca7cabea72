//! Servers that take connections and end them when the other side does, and watch the clock.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use socket2::{Domain, Socket, Type};

use super::INTERVAL;
use crate::netns::Netns;

const BACKLOG: i32 = 4096;
/// Between two looks at what has come.
const LOOK: Duration = Duration::from_millis(2);

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

/// Looks at all of it now and then instead of being woken: what it takes to wake a server's thread
/// is the server's, and over the loopback interface the client would pay for it.
fn serve(listening: &[Socket], shared: &Shared) -> io::Result<()> {
    let mut connections: Vec<Socket> = Vec::new();
    while !shared.over.load(Ordering::Relaxed) {
        thread::sleep(LOOK);
        connections.retain(|connection| {
            // Until its end comes, or anything else.
            let mut buffer = [MaybeUninit::uninit(); 16];
            let got = connection.recv(&mut buffer);
            got.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        });
        for socket in listening {
            while let Ok((connection, _)) = socket.accept() {
                connection.set_nonblocking(true)?;
                if let Some(to) = connection.local_addr()?.as_socket_ipv4() {
                    shared.connected(to);
                }
                connections.push(connection);
            }
        }
    }
    Ok(())
}
