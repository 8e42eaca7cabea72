//! The protocol's own thread: no executor, no lock, nothing else that could make an advertisement
//! late.
//!
//! It waits with `ppoll` for datagrams, commands and the next timer, and reads all that arrived
//! before it lets a timer run: a wake-up that comes late must not make a master of us.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use tracing::error;

use super::statistics::Registry;
use super::{Command, Event, Statistics};
use crate::config;
use lateness::Lateness;
use worker::Worker;

mod groups;
mod lateness;
mod poll;
mod port;
mod realtime;
mod router;
#[cfg(test)]
mod tests;
mod voice;
mod worker;

pub use realtime::Realtime;

use poll::Waker;

/// The running protocol thread. Dropping it ends the thread, without a word to the peers.
#[derive(Debug)]
pub struct Handle {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    registry: Arc<Registry>,
    beats: Arc<AtomicU64>,
    lateness: Arc<Lateness>,
    realtime: Arc<OnceLock<Realtime>>,
    thread: JoinHandle<()>,
}

impl Handle {
    /// Starts the thread, in the caller's network namespace.
    ///
    /// `emit` is called on it and must not block.
    ///
    /// # Errors
    /// The system's, if there is no room for a thread or a file descriptor.
    pub fn spawn(
        wanted: config::Realtime,
        emit: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, receiver) = mpsc::channel();
        let waker = Arc::new(Waker::new()?);
        let registry = Arc::new(Registry::default());
        let lateness = Arc::new(Lateness::default());
        let worker = Worker::new(
            Box::new(emit),
            Arc::clone(&registry),
            Arc::clone(&lateness),
            Instant::now(),
        )?;
        let beats = Arc::new(AtomicU64::new(0));
        let realtime = Arc::new(OnceLock::new());
        let thread = {
            let (waker, beats) = (Arc::clone(&waker), Arc::clone(&beats));
            let realtime = Arc::clone(&realtime);
            Builder::new().name("lvx-vrrp".to_owned()).spawn(move || {
                // Nobody else sets it.
                let _ = realtime.set(realtime::protect(wanted));
                run(worker, &receiver, &waker, &beats);
            })?
        };
        Ok(Self {
            commands,
            waker,
            registry,
            beats,
            lateness,
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

    /// How often the thread came round: once a second at least while it lives.
    pub fn beat(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// How the thread is protected from others; `None` for a moment after the start.
    pub fn realtime(&self) -> Option<&Realtime> {
        self.realtime.get()
    }

    /// The latest that a timer ran since the start or [`Self::reset_lateness`].
    pub fn lateness(&self) -> Duration {
        self.lateness.worst()
    }

    pub fn reset_lateness(&self) {
        self.lateness.reset();
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
        let timeout = worker.next_timeout();
        if let Err(error) = worker.wait(waker, timeout) {
            // Out of memory for one poll: the timers must go on all the same.
            error!(%error, "waiting for packets failed");
            std::thread::sleep(Duration::from_millis(1));
        }
        // Before the sockets are read: what a timer that has expired by now waited for had
        // arrived, and is read, before it runs, however long this thread stood still.
        let now = Instant::now();
        worker.receive(now);
        waker.clear();
        if carry_out(&mut worker, commands).is_break() {
            return;
        }
        worker.timers(now);
    }
}

fn carry_out(worker: &mut Worker, commands: &Receiver<Command>) -> ControlFlow<()> {
    loop {
        match commands.try_recv() {
            Ok(command) => worker.command(command, Instant::now())?,
            Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
            Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
        }
    }
}
