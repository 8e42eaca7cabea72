//! The protocol's own thread: no executor, no lock, nothing else that could make an advertisement
//! late.
//!
//! It waits with `ppoll` for datagrams, commands and the next timer. Then it takes the time, reads
//! all that has arrived by then, and only after that lets those timers run that had expired: a
//! wake-up that comes late must not make a master of us.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tracing::error;

use super::statistics::Registry;
use super::{Command, Event, Statistics};
use crate::config;
use lateness::Lateness;
use links::{Links, Snapshot};
use poll::Waker;
use worker::Worker;

mod lateness;
mod links;
mod poll;
mod port;
mod realtime;
mod router;
mod seat;
#[cfg(test)]
mod tests;
mod timers;
mod worker;

pub use realtime::Realtime;

/// The running protocol thread. Dropping it ends the thread, without a word to the peers.
#[derive(Debug)]
pub struct Handle {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    registry: Arc<Registry>,
    lateness: Arc<Lateness>,
    beats: Arc<AtomicU64>,
    realtime: Realtime,
    thread: JoinHandle<()>,
}

impl Handle {
    /// Starts the thread, in the caller's network namespace, protected as `realtime` asks and the
    /// system allows: see [`Self::realtime`].
    ///
    /// `emit` is called on it and must not block.
    ///
    /// # Errors
    /// The system's, if there is no room for a thread or a file descriptor.
    pub fn spawn(
        realtime: config::Realtime,
        emit: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, receiver) = mpsc::channel();
        let waker = Arc::new(Waker::new()?);
        let registry = Arc::new(Registry::default());
        let lateness = Arc::new(Lateness::default());
        let beats = Arc::new(AtomicU64::new(0));
        let worker = Worker::new(
            Box::new(emit),
            Arc::clone(&registry),
            Arc::clone(&lateness),
            Links::watch(Arc::clone(&waker))?,
            Snapshot::take()?,
        );
        let (report, protected) = mpsc::channel();
        let thread = {
            let (waker, beats) = (Arc::clone(&waker), Arc::clone(&beats));
            Builder::new().name("lvx-vrrp".to_owned()).spawn(move || {
                // Received below, before anything else can go wrong.
                let _ = report.send(realtime::protect(realtime));
                run(worker, &receiver, &waker, &beats);
            })?
        };
        let realtime = protected.recv().map_err(io::Error::other)?;
        Ok(Self {
            commands,
            waker,
            registry,
            lateness,
            beats,
            realtime,
            thread,
        })
    }

    /// Hands over a command; it is carried out at once, in the order of sending.
    pub fn send(&self, command: Command) {
        // Fails only after `Exit`, when there is nothing left to command.
        if self.commands.send(command).is_ok() {
            self.waker.wake();
        }
    }

    /// A snapshot of the counters, one per instance, in the configuration's order.
    pub fn statistics(&self) -> Vec<Statistics> {
        self.registry.snapshot()
    }

    /// What protects the thread from the host's other work.
    pub fn realtime(&self) -> &Realtime {
        &self.realtime
    }

    /// How late the latest timer ran: since the start, or since [`Self::take_lateness`].
    pub fn lateness(&self) -> Duration {
        self.lateness.worst()
    }

    /// As [`Self::lateness`], and begins anew.
    pub fn take_lateness(&self) -> Duration {
        self.lateness.take_worst()
    }

    /// How often there was an [`Event::Overslept`].
    pub fn oversleeps(&self) -> u64 {
        self.lateness.oversleeps()
    }

    /// How often the thread came round: once a second at least while it lives.
    pub fn beat(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.send(Command::Exit);
    }
}

fn run(mut worker: Worker, commands: &Receiver<Command>, waker: &Waker, beats: &AtomicU64) {
    loop {
        beats.fetch_add(1, Ordering::Relaxed);
        let waited = worker.wait(waker);
        // The order that the module's comment argues for: time, packets, timers.
        let now = Instant::now();
        let read = waited.and_then(|()| worker.read(now));
        if let Err(error) = read {
            // Out of memory for one poll: the timers must go on all the same.
            error!(%error, "waiting for packets failed");
            std::thread::sleep(Duration::from_millis(1));
        }
        waker.clear();
        worker.look(now);
        if carry_out(&mut worker, commands, now).is_break() {
            return;
        }
        worker.timers(now);
    }
}

fn carry_out(worker: &mut Worker, commands: &Receiver<Command>, now: Instant) -> ControlFlow<()> {
    loop {
        match commands.try_recv() {
            Ok(command) => worker.command(command, now)?,
            Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
            Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
        }
    }
}
