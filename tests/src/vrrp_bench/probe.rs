//! A client that asks the virtual address every millisecond, and remembers when answers came.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::responder::PORT;
use crate::netns::Netns;

const PERIOD: Duration = Duration::from_millis(1);

/// Answers in order of arrival, with who gave them.
type Answers = Arc<Mutex<Vec<(Instant, u8)>>>;

/// Ends when dropped.
pub(super) struct Probe {
    answers: Answers,
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Probe {
    pub(super) fn start(netns: &Netns, vip: Ipv4Addr) -> Result<Self> {
        let socket = netns
            .run(|| {
                let socket = UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?;
                socket.set_read_timeout(Some(Duration::from_millis(50)))?;
                Ok::<_, std::io::Error>(socket)
            })?
            .context("a UDP client")?;
        let asks = socket.try_clone().context("a UDP client")?;
        let answers = Answers::default();
        let ends = Arc::new(AtomicBool::new(false));
        let to = SocketAddrV4::new(vip, PORT);
        let sender = {
            let ends = Arc::clone(&ends);
            thread::spawn(move || ask(&asks, to, &ends))
        };
        let receiver = {
            let (answers, ends) = (Arc::clone(&answers), Arc::clone(&ends));
            thread::spawn(move || listen(&socket, to.into(), &answers, &ends))
        };
        Ok(Self {
            answers,
            ends,
            threads: vec![sender, receiver],
        })
    }

    /// When `name` answered last, if ever.
    pub(super) fn last_of(&self, name: u8) -> Option<Instant> {
        let answers = lock(&self.answers);
        let last = answers.iter().rev().find(|(_, from)| *from == name);
        last.map(|(at, _)| *at)
    }

    /// When `name` answered first after `since`.
    pub(super) fn first_of(&self, name: u8, since: Instant) -> Option<Instant> {
        let answers = lock(&self.answers);
        let mut later = answers.iter().filter(|(at, _)| *at >= since);
        later.find(|(_, from)| *from == name).map(|(at, _)| *at)
    }

    /// The longest time without an answer that ended after `since`.
    ///
    /// # Errors
    /// There were not even two answers.
    pub(super) fn longest_gap(&self, since: Instant) -> Result<Duration> {
        let answers = lock(&self.answers);
        ensure!(answers.len() > 1, "the virtual address did not answer");
        let pairs = answers.iter().zip(answers.iter().skip(1));
        let gaps = pairs.filter(|(_, (until, _))| *until >= since);
        let longest = gaps.map(|((from, _), (until, _))| *until - *from).max();
        longest.context("no answer came any more")
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It can only have panicked, which it has said itself.
            let _ = thread.join();
        }
    }
}

fn ask(socket: &UdpSocket, to: SocketAddrV4, ends: &AtomicBool) {
    let mut next = Instant::now();
    while !ends.load(Ordering::Relaxed) {
        // Errors are what the network says while nobody has the address.
        let _ = socket.send_to(b"?", to);
        next += PERIOD;
        let now = Instant::now();
        // One that was late does not make up for it by a burst.
        next = next.max(now);
        thread::sleep(next - now);
    }
}

fn listen(socket: &UdpSocket, from: SocketAddr, answers: &Answers, ends: &AtomicBool) {
    let mut buffer = [0; 64];
    while !ends.load(Ordering::Relaxed) {
        if let Ok((length, sender)) = socket.recv_from(&mut buffer)
            && sender == from
            && length > 0
        {
            lock(answers).push((Instant::now(), buffer[0]));
        }
    }
}

fn lock(answers: &Answers) -> MutexGuard<'_, Vec<(Instant, u8)>> {
    answers.lock().unwrap_or_else(PoisonError::into_inner)
}
