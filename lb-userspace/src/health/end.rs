//! Connections that end: a probe does not wait for the server's part of it.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::Socket;
use tokio::time::{Instant, sleep};

/// Time for the server's end.
const PATIENCE: Duration = Duration::from_millis(250);
/// Between two looks at those that wait: cheaper than to be woken by each.
const LOOK: Duration = Duration::from_millis(25);
/// Enough for any banner.
const MOST: usize = 64 << 10;
/// More at once are closed earlier.
pub(super) const ROOM: usize = 2048;

/// Connections of which our half is closed.
///
/// A socket that is closed with bytes unread, or that gets more, answers with a reset, which
/// servers log: so what still comes is read.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Oldest first.
    connections: VecDeque<Connection>,
    /// A task looks after them.
    attended: bool,
}

#[derive(Debug)]
struct Connection {
    socket: Socket,
    until: Instant,
    unread: usize,
}

impl Ends {
    /// Ends a connection politely, some time after the call.
    pub(super) fn take(self: &Arc<Self>, socket: Socket) {
        if socket.shutdown(Shutdown::Write).is_err() {
            // It has ended already.
            return;
        }
        let mut waiting = self.waiting();
        if waiting.connections.len() >= ROOM {
            waiting.connections.pop_front();
        }
        waiting.connections.push_back(Connection {
            socket,
            until: Instant::now() + PATIENCE,
            unread: MOST,
        });
        if !waiting.attended {
            waiting.attended = true;
            tokio::spawn(Arc::clone(self).attend());
        }
    }

    async fn attend(self: Arc<Self>) {
        loop {
            sleep(LOOK).await;
            let now = Instant::now();
            let mut waiting = self.waiting();
            waiting.connections.retain_mut(|one| !one.is_over(now));
            if waiting.connections.is_empty() {
                waiting.attended = false;
                return;
            }
        }
    }

    /// A panic elsewhere leaves the list as good as it was.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn is_over(&mut self, now: Instant) -> bool {
        let mut buffer = [0; 2048];
        while self.unread > 0 {
            match (&self.socket).read(&mut buffer) {
                Ok(0) => return true,
                Ok(length) => self.unread = self.unread.saturating_sub(length),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return now >= self.until;
                }
                Err(_) => return true,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        ours.set_nonblocking(true).unwrap();
        let (theirs, _) = listener.accept().unwrap();
        (ours.into(), theirs)
    }

    async fn left(ends: &Ends, wanted: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while ends.waiting().connections.len() != wanted {
            assert!(Instant::now() < deadline, "{:?}", ends.waiting());
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn they_wait_for_the_server_but_not_for_ever() {
        let ends = Arc::<Ends>::default();
        let ((first, mut polite), (second, _silent)) = (pair(), pair());
        ends.take(first);
        ends.take(second);
        assert_eq!(polite.read(&mut [0; 8]).unwrap(), 0, "our end of it");
        drop(polite);
        left(&ends, 1).await;
        left(&ends, 0).await;
        let (third, theirs) = pair();
        drop(theirs);
        ends.take(third);
        left(&ends, 0).await;
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        crate::health::files::raise();
        let ends = Arc::<Ends>::default();
        let sockets: Vec<_> = (0..20).map(|_| pair()).collect();
        let mut servers = Vec::new();
        {
            let mut waiting = ends.waiting();
            let (socket, server) = pair();
            waiting.connections.extend((0..ROOM).map(|_| Connection {
                socket: socket.try_clone().unwrap(),
                until: Instant::now() + Duration::from_secs(3600),
                unread: MOST,
            }));
            servers.push(server);
        }
        for (socket, server) in sockets {
            ends.take(socket);
            servers.push(server);
        }
        assert_eq!(ends.waiting().connections.len(), ROOM);
    }
}
