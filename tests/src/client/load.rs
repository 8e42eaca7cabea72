//! Requests in a steady stream from all client addresses while something happens.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::{Report, Sample, TIMEOUT, get};
use crate::lab::topology::{VIP, client_addresses};
use crate::lab::{Lab, WEB_PORT};
use crate::netns::join;
use crate::wait::{interrupted, wait_until};

/// How hard a [`Load`] tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub threads: u32,
    /// Time between the starts of two requests of one thread, if answers come as fast as that.
    pub period: Duration,
    pub timeout: Duration,
}

impl Pace {
    /// For "no request fails": some 500 requests a second, each with all the time it may need.
    pub const STEADY: Self = Self {
        threads: 6,
        period: Duration::from_millis(12),
        timeout: TIMEOUT,
    };
    /// For measuring gaps: a new attempt every 4 ms also while nothing answers.
    pub const PROBE: Self = Self {
        threads: 10,
        period: Duration::from_millis(40),
        timeout: Duration::from_millis(40),
    };
}

/// A running stream of requests to the service `web`. Dropping it stops it.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Result<Vec<Sample>>>>,
}

impl Load {
    #[must_use]
    pub fn start(lab: &Lab, pace: Pace) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicU64::new(0));
        let threads = (0..pace.threads)
            .map(|number| {
                let stop = Arc::clone(&stop);
                let answered = Arc::clone(&answered);
                lab.client
                    .spawn(move || requests(number, pace, &stop, &answered))
            })
            .collect();
        Self {
            stop,
            answered,
            threads,
        }
    }

    /// Waits for `count` more answers.
    ///
    /// # Errors
    /// They do not come within 10 s.
    pub fn wait_answers(&self, count: u64) -> Result<()> {
        let wanted = self.answered.load(Ordering::Relaxed) + count;
        wait_until("answers to the load", Duration::from_secs(10), || {
            Ok(self.answered.load(Ordering::Relaxed) >= wanted)
        })
    }

    /// Stops and tells what became of all requests.
    ///
    /// # Errors
    /// A thread could not enter the client's namespace.
    pub fn finish(mut self) -> Result<Report> {
        self.stop.store(true, Ordering::Relaxed);
        let mut samples = Vec::new();
        for thread in std::mem::take(&mut self.threads) {
            samples.extend(join(thread)?);
        }
        Ok(Report::new(samples))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn requests(number: u32, pace: Pace, stop: &AtomicBool, answered: &AtomicU64) -> Vec<Sample> {
    let step = pace.threads as usize;
    let clients: Vec<Ipv4Addr> = client_addresses()
        .into_iter()
        .skip(number as usize)
        .step_by(step)
        .collect();
    let mut samples = Vec::new();
    // The threads' turns are spread evenly over a period.
    let mut turn = Instant::now() + pace.period * number / pace.threads;
    for client in clients.iter().cycle() {
        std::thread::sleep(turn.saturating_duration_since(Instant::now()));
        if stop.load(Ordering::Relaxed) || interrupted() {
            break;
        }
        let start = Instant::now();
        let result = get(*client, SocketAddrV4::new(VIP, WEB_PORT), pace.timeout);
        if result.is_ok() {
            answered.fetch_add(1, Ordering::Relaxed);
        }
        samples.push(Sample {
            start,
            end: Instant::now(),
            client: *client,
            result,
        });
        turn = Instant::now().max(turn + pace.period);
    }
    samples
}
