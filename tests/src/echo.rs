//! Websocket-like connections: one byte each way every 100 ms, for as long as it takes.
//!
//! The server first sends its name in a line, then answers each byte with the number of bytes
//! so far on this connection: a client notices if another connection or server answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::{TIMEOUT, connect};
use crate::lab::topology::VIP;
use crate::lab::{ECHO_PORT, Lab};
use crate::netns::join;
use crate::wait::{interrupted, wait_until};

const PERIOD: Duration = Duration::from_millis(100);
/// A connection without an answer for so long is dead: TCP repeats what a failover lost after
/// 0.2, 0.6 and 1.4 s.
const DEAD: Duration = Duration::from_secs(5);

/// Serves connections until the process is killed.
///
/// # Errors
/// The port cannot be listened on.
pub fn serve(listen: SocketAddrV4, name: &str) -> Result<()> {
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
    stop: Arc<AtomicBool>,
    connections: Vec<Connection>,
}

/// The exchanges so far, and the thread that makes them: the outer error is the namespace's.
type Connection = (Arc<AtomicU64>, JoinHandle<Result<Result<Life>>>);

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
        let stop = Arc::new(AtomicBool::new(false));
        let connections = clients
            .iter()
            .map(|client| {
                let exchanges = Arc::new(AtomicU64::new(0));
                let (client, stop, counter) = (*client, Arc::clone(&stop), Arc::clone(&exchanges));
                let thread = lab.client.spawn(move || hold(client, &stop, &counter));
                (exchanges, thread)
            })
            .collect();
        let held = Self { stop, connections };
        held.wait_exchanges(2)?;
        Ok(held)
    }

    /// Waits until each connection has had `more` exchanges from now on.
    ///
    /// # Errors
    /// One has not within 10 s.
    pub fn wait_exchanges(&self, more: u64) -> Result<()> {
        let counts = self.connections.iter().map(|(count, _)| count);
        let wanted: Vec<u64> = counts
            .map(|count| count.load(Ordering::Relaxed) + more)
            .collect();
        wait_until(
            "the held connections to go on",
            Duration::from_secs(10),
            || {
                let dead = self
                    .connections
                    .iter()
                    .any(|(_, thread)| thread.is_finished());
                let mut pairs = self.connections.iter().zip(&wanted);
                Ok(dead
                    || pairs.all(|((count, _), wanted)| count.load(Ordering::Relaxed) >= *wanted))
            },
        )
    }

    /// Ends all connections and tells their lives.
    ///
    /// # Errors
    /// One broke, was answered by somebody else, or had no answer for 5 s.
    pub fn finish(mut self) -> Result<Vec<Life>> {
        self.stop.store(true, Ordering::Relaxed);
        let lives: Vec<Result<Life>> = std::mem::take(&mut self.connections)
            .into_iter()
            .map(|(_, thread)| join(thread)?)
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
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn hold(client: Ipv4Addr, stop: &AtomicBool, counter: &AtomicU64) -> Result<Life> {
    let mut stream = connect(client, SocketAddrV4::new(VIP, ECHO_PORT), TIMEOUT)?;
    stream.set_nodelay(true).context("TCP_NODELAY")?;
    stream
        .set_read_timeout(Some(DEAD))
        .context("a read timeout")?;
    let mut reader = BufReader::new(stream.try_clone().context("duplicating a socket")?);
    let mut server = String::new();
    reader.read_line(&mut server).context("the server's name")?;
    let mut life = Life {
        client,
        server: server.trim_end().to_owned(),
        exchanges: 0,
        longest_wait: Duration::ZERO,
    };
    while !stop.load(Ordering::Relaxed) && !interrupted() {
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
        counter.store(life.exchanges, Ordering::Relaxed);
        life.longest_wait = life.longest_wait.max(start.elapsed());
        std::thread::sleep(PERIOD.saturating_sub(start.elapsed()));
    }
    Ok(life)
}
