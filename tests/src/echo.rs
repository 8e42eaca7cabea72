//! Websocket-like connections: one byte each way every 100 ms, for as long as it takes.
//!
//! The server first sends its name in a line, then answers each byte with the number of bytes
//! so far on this connection: a client notices if another connection or server answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::{Survey, TIMEOUT, connect};
use crate::lab::topology::VIP;
use crate::lab::{ECHO_PORT, Lab};
use crate::netns::join;
use crate::wait::{interrupted, wait_until};

const PERIOD: Duration = Duration::from_millis(100);
/// A connection without an answer for so long is dead: TCP repeats what a failover lost after
/// 0.2, 0.6 and 1.4 s.
const DEAD: Duration = Duration::from_secs(5);
/// Time for all connections to go on, or to break.
const GOING_ON: Duration = Duration::from_secs(10);

/// Serves connections until the process is killed.
///
/// # Errors
/// The port cannot be listened on.
pub fn serve(listen: SocketAddr, name: &str) -> Result<()> {
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    for stream in listener.incoming() {
        let stream = stream.context("accepting a connection")?;
        let name = name.to_owned();
        std::thread::spawn(move || {
            // The end of a connection, however it comes, is the end of this thread.
            let _ = answer(stream, &name);
        });
    }
    Ok(())
}

fn answer(mut stream: TcpStream, name: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(format!("{name}\n").as_bytes())?;
    let mut count = 0u8;
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        count = count.wrapping_add(1);
        stream.write_all(&[count])?;
    }
    Ok(())
}

/// Connections that are held open and used until they are looked at.
#[derive(Debug)]
pub struct Held {
    connections: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    progress: Arc<Progress>,
    /// The outer error is the namespace's.
    thread: JoinHandle<Result<Result<Life>>>,
}

/// What a connection's thread and its owner tell each other.
#[derive(Debug, Default)]
struct Progress {
    stop: AtomicBool,
    exchanges: AtomicU64,
    peer: OnceLock<Peer>,
}

/// Who talks with whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub client: SocketAddrV4,
    pub server: String,
}

/// One connection's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    pub client: Ipv4Addr,
    pub server: String,
    /// Bytes sent and answered.
    pub exchanges: u64,
    /// The longest that an answer took.
    pub longest_wait: Duration,
}

impl Held {
    /// Opens a connection to the service `echo` from each client and waits until each works.
    ///
    /// # Errors
    /// One does not.
    pub fn open(lab: &Lab, clients: &[Ipv4Addr]) -> Result<Self> {
        let connections = clients
            .iter()
            .map(|&client| {
                let progress = Arc::<Progress>::default();
                let ours = Arc::clone(&progress);
                let thread = lab.client.spawn(move || hold(client, &ours));
                Connection { progress, thread }
            })
            .collect();
        let held = Self { connections };
        held.wait_exchanges(2)?;
        Ok(held)
    }

    /// Who talks with whom.
    ///
    /// # Errors
    /// A connection never worked.
    pub fn peers(&self) -> Result<Vec<Peer>> {
        let peers = self.connections.iter().map(|it| it.progress.peer.get());
        peers
            .map(|peer| peer.cloned().context("a connection that never worked"))
            .collect()
    }

    /// Which client is on which server.
    ///
    /// # Errors
    /// A connection never worked.
    pub fn survey(&self) -> Result<Survey> {
        let peers = self.peers()?.into_iter();
        Ok(Survey::new(
            peers.map(|peer| (*peer.client.ip(), peer.server)).collect(),
        ))
    }

    /// Takes out the connections to a server.
    #[must_use]
    pub fn split_off(&mut self, server: &str) -> Self {
        let on_it = |it: &mut Connection| {
            let peer = it.progress.peer.get();
            peer.is_some_and(|peer| peer.server == server)
        };
        let connections = self.connections.extract_if(.., on_it).collect();
        Self { connections }
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    /// Waits until each connection has had `more` exchanges from now on.
    ///
    /// # Errors
    /// One has not within 10 s.
    pub fn wait_exchanges(&self, more: u64) -> Result<()> {
        let exchanges = |it: &Connection| it.progress.exchanges.load(Ordering::Relaxed);
        let connections = || self.connections.iter();
        let wanted: Vec<u64> = connections().map(|it| exchanges(it) + more).collect();
        wait_until("the held connections to go on", GOING_ON, || {
            let dead = connections().any(|it| it.thread.is_finished());
            let mut pairs = connections().zip(&wanted);
            Ok(dead || pairs.all(|(it, wanted)| exchanges(it) >= *wanted))
        })
    }

    /// Waits until all connections have broken.
    ///
    /// # Errors
    /// One has not within 10 s.
    pub fn wait_broken(self) -> Result<()> {
        wait_until("the held connections to break", GOING_ON, || {
            Ok(self.connections.iter().all(|it| it.thread.is_finished()))
        })
    }

    /// Ends all connections and tells their lives.
    ///
    /// # Errors
    /// One broke, was answered by somebody else, or had no answer for 5 s.
    pub fn finish(mut self) -> Result<Vec<Life>> {
        self.stop();
        let lives: Vec<Result<Life>> = std::mem::take(&mut self.connections)
            .into_iter()
            .map(|it| join(it.thread)?)
            .collect();
        let errors: Vec<String> = lives
            .iter()
            .filter_map(|life| life.as_ref().err().map(|error| format!("{error:#}")))
            .collect();
        if !errors.is_empty() {
            bail!(
                "{} of {} broke: {}",
                errors.len(),
                lives.len(),
                errors.join("; ")
            );
        }
        lives.into_iter().collect()
    }

    fn stop(&self) {
        for it in &self.connections {
            it.progress.stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets each client open a connection to the service `echo`, and close it when it knows the
/// server.
///
/// # Errors
/// One gets no connection, or no name.
pub fn greetings(lab: &Lab, clients: &[Ipv4Addr]) -> Result<Survey> {
    let clients = clients.to_vec();
    let greeted = lab.client.run(move || -> Result<_> {
        let greeting = |client| Ok((client, greeted(client)?.1));
        clients.into_iter().map(greeting).collect()
    })?;
    Ok(Survey::new(greeted?))
}

/// A new connection, with the name of its server.
fn greeted(client: Ipv4Addr) -> Result<(BufReader<TcpStream>, String)> {
    let stream = connect(client, SocketAddrV4::new(VIP, ECHO_PORT), TIMEOUT)?;
    stream.set_nodelay(true).context("TCP_NODELAY")?;
    stream
        .set_read_timeout(Some(DEAD))
        .context("a read timeout")?;
    let mut reader = BufReader::new(stream);
    let mut server = String::new();
    let length = reader.read_line(&mut server);
    let length = length.with_context(|| format!("the name of {client}'s server"))?;
    ensure!(length > 0, "{client}'s connection was closed at once");
    server.truncate(server.trim_end().len());
    Ok((reader, server))
}

fn hold(client: Ipv4Addr, progress: &Progress) -> Result<Life> {
    let (mut reader, server) = greeted(client)?;
    let mut stream = reader
        .get_ref()
        .try_clone()
        .context("duplicating a socket")?;
    let SocketAddr::V4(address) = stream.local_addr().context("a socket's address")? else {
        bail!("not an IPv4 connection");
    };
    let peer = Peer {
        client: address,
        server: server.clone(),
    };
    progress.peer.get_or_init(|| peer);
    let mut life = Life {
        client,
        server,
        exchanges: 0,
        longest_wait: Duration::ZERO,
    };
    while !progress.stop.load(Ordering::Relaxed) && !interrupted() {
        let start = Instant::now();
        let what = || format!("{client} on {} after {} bytes", life.server, life.exchanges);
        stream.write_all(b"x").with_context(what)?;
        let mut byte = [0];
        reader.read_exact(&mut byte).with_context(what)?;
        life.exchanges += 1;
        let expected = life.exchanges as u8;
        ensure!(
            byte[0] == expected,
            "answer {} instead of {expected}",
            byte[0]
        );
        progress.exchanges.store(life.exchanges, Ordering::Relaxed);
        life.longest_wait = life.longest_wait.max(start.elapsed());
        std::thread::sleep(PERIOD.saturating_sub(start.elapsed()));
    }
    Ok(life)
}
