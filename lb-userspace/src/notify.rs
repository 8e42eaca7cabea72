//! Telling others of changes of VRRP states: scripts, and a named pipe.
//!
//! `book` is PURE and knows what is a change; the scripts of one instance or group run one after
//! the other, in a task of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Script;
use crate::events::{Event, Journal, Kind, Level};
use crate::script::Runner;
use crate::vrrp::State;

mod book;
mod fifo;
mod quorum;
#[cfg(test)]
mod tests;

pub use book::{Book, Change, Subject};
pub use fifo::{Fifo, Written};
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

struct Slot {
    jobs: watch::Sender<Option<Job>>,
    sent: u64,
}

/// Runs the scripts. For each instance and group at most one runs and one waits: a newer state
/// takes the place of one that waits.
pub struct Scripts {
    runner: Runner,
    journal: Journal,
    tasks: JoinSet<()>,
    slots: BTreeMap<Subject, Slot>,
    counters: Arc<Counters>,
}

impl Scripts {
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self {
            runner: Runner::new(AT_ONCE),
            journal,
            tasks: JoinSet::new(),
            slots: BTreeMap::new(),
            counters: Arc::default(),
        }
    }

    /// Never waits.
    pub fn tell(&mut self, change: Change, router_id: &str) {
        while self.tasks.try_join_next().is_some() {}
        let Some(script) = change.script.clone() else {
            return;
        };
        let slot = self.slots.entry(change.subject.clone());
        let slot = slot.or_insert_with(|| {
            let (jobs, waiting) = watch::channel(None);
            self.tasks.spawn(deliver(
                waiting,
                self.runner.clone(),
                self.journal.clone(),
                Arc::clone(&self.counters),
            ));
            Slot { jobs, sent: 0 }
        });
        slot.sent += 1;
        let last = change.is_last;
        let subject = change.subject.clone();
        let number = slot.sent;
        let job = Job {
            change,
            script,
            router_id: router_id.to_owned(),
            number,
        };
        slot.jobs.send_replace(Some(job));
        if last {
            // What it has got is still told.
            self.slots.remove(&subject);
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
    pub async fn finish(mut self, limit: Duration) {
        self.slots.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            let text = format!("notify scripts took longer than {limit:?} at the end: killed");
            let event = Event::new(Kind::Notify, text).level(Level::Warn);
            self.journal.tell(event);
        }
    }
}

/// Runs scripts until the sender is gone and its last job is done.
async fn deliver(
    mut jobs: watch::Receiver<Option<Job>>,
    runner: Runner,
    journal: Journal,
    counters: Arc<Counters>,
) {
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
