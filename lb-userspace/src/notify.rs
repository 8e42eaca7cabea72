//! Telling others of changes of VRRP states: scripts, and a named pipe.
//!
//! `book` is PURE and knows what is a change; the scripts of one instance or group run one after
//! the other, in a task of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Script;
use crate::events::{Event, Journal, Kind, Level};
use crate::script::Runner;
use crate::vrrp::State;

mod book;
mod fifo;
mod latest;
mod quorum;
#[cfg(test)]
mod tests;

pub use book::{Book, Change, Subject};
pub use fifo::{Fifo, Written};
use latest::{Jobs, Latest};
pub use quorum::{QuorumChange, QuorumScripts};

/// Notify scripts that run at once.
const AT_ONCE: usize = 16;

/// How many scripts were run, and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub runs: u64,
    pub failed: u64,
    /// States that no script was told, because there was a newer one already.
    pub superseded: u64,
}

#[derive(Debug, Default)]
struct Counters {
    runs: AtomicU64,
    failed: AtomicU64,
    superseded: AtomicU64,
}

/// A change that a script shall be told of.
#[derive(Debug, Clone)]
struct Job {
    change: Change,
    script: Script,
    router_id: String,
    /// Of its subject's jobs.
    number: u64,
}

/// Runs the scripts. For each instance and group at most one runs and one waits: a newer state
/// takes the place of one that waits.
pub struct Scripts {
    runner: Runner,
    journal: Journal,
    jobs: Latest<Subject, Job>,
    counters: Arc<Counters>,
}

impl Scripts {
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self {
            runner: Runner::new(AT_ONCE),
            jobs: Latest::new("notify scripts", journal.clone()),
            journal,
            counters: Arc::default(),
        }
    }

    /// Never waits.
    pub fn tell(&mut self, change: Change, router_id: &str) {
        let Some(script) = change.script.clone() else {
            return;
        };
        let (subject, last) = (change.subject.clone(), change.is_last);
        let job = |number| Job {
            change,
            script,
            router_id: router_id.to_owned(),
            number,
        };
        self.jobs.tell(subject.clone(), job, |jobs| {
            let counters = Arc::clone(&self.counters);
            deliver(jobs, self.runner.clone(), self.journal.clone(), counters)
        });
        if last {
            self.jobs.retain(|other| *other != subject);
        }
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            runs: get(&self.counters.runs),
            failed: get(&self.counters.failed),
            superseded: get(&self.counters.superseded),
        }
    }

    /// Waits until all that was told has been heard, but no longer than `limit`: what runs on
    /// then is killed.
    pub async fn finish(self, limit: Duration) {
        self.jobs.finish(limit).await;
    }
}

/// Runs scripts until the sender is gone and its last job is done.
async fn deliver(mut jobs: Jobs<Job>, runner: Runner, journal: Journal, counters: Arc<Counters>) {
    let (mut told, mut done) = (None, 0);
    while jobs.changed().await.is_ok() {
        let Some(job) = jobs.borrow_and_update().clone() else {
            continue;
        };
        let superseded = job.number - done - 1;
        counters.superseded.fetch_add(superseded, Ordering::Relaxed);
        done = job.number;
        let change = &job.change;
        // It went away and came back while the script ran.
        if told == Some(change.state) {
            counters.superseded.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let previous = told.unwrap_or(change.previous);
        let variables = variables(change, previous, &job.router_id);
        let ended = runner.run(&job.script, &words(change), &variables).await;
        counters.runs.fetch_add(1, Ordering::Relaxed);
        if ended.is_good() {
            told = Some(change.state);
            continue;
        }
        told = None;
        counters.failed.fetch_add(1, Ordering::Relaxed);
        let text = format!(
            "notify script {} of {} ({}) {ended}",
            job.script.program.display(),
            change.subject.name(),
            change.state
        );
        journal.tell(Event::new(Kind::Notify, text).level(Level::Warn));
    }
}

/// keepalived's four.
fn words(change: &Change) -> [String; 4] {
    [
        change.subject.kind().to_owned(),
        change.subject.name().to_owned(),
        change.state.to_string(),
        change.priority.to_string(),
    ]
}

fn variables(change: &Change, previous: State, router_id: &str) -> [(&'static str, String); 6] {
    [
        ("LVX_NAME", change.subject.name().to_owned()),
        ("LVX_STATE", change.state.to_string()),
        ("LVX_PREVIOUS_STATE", previous.to_string()),
        ("LVX_PRIORITY", change.priority.to_string()),
        ("LVX_CAUSE", change.cause.clone()),
        ("LVX_ROUTER_ID", router_id.to_owned()),
    ]
}
