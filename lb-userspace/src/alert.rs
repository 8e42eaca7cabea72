//! Notifications: mail, webhooks and commands that tell of events.
//!
//! Each target has a task of its own, which listens to the journal. `outbox` (what is sent when),
//! `digest`, `topic`, `message`, `json` and `backoff` are PURE; `mail`, `webhook` and `command`
//! make one try each.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, Target};
use crate::events::Journal;
use crate::script::Runner;

mod backoff;
mod command;
mod deliver;
mod digest;
mod json;
mod mail;
mod message;
mod outbox;
mod target;
#[cfg(test)]
mod tests;
mod time;
mod topic;
mod trial;
mod webhook;

use message::Context;
use outbox::Outbox;
use target::{Board, Setup, Worker, lock};
use trial::Trials;
pub use trial::Verdict;

/// Of one target's programs: one for a message, others for tests.
const AT_ONCE: usize = 4;

/// How a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    pub means: &'static str,
    /// Messages that wait.
    pub queued: u64,
    pub sent: u64,
    /// Messages that were refused, or given up after a day.
    pub failed: u64,
    /// Messages for which there was no room.
    pub dropped: u64,
    /// Why the latest try failed; `None`: it did not.
    pub last_error: Option<String>,
    pub last_success: Option<SystemTime>,
    /// What the operator shall not overlook, a sentence each.
    pub warnings: Vec<&'static str>,
}

struct Running {
    setup: watch::Sender<Setup>,
    board: Arc<Mutex<Board>>,
    runner: Runner,
}

/// The targets and their tasks. Nothing here waits for a target, but for [`Self::finish`].
pub struct Alerts {
    journal: Journal,
    started: SystemTime,
    /// Targets hear of what happened before there were any.
    configured: bool,
    tasks: JoinSet<()>,
    running: BTreeMap<String, Running>,
    /// As the file has them.
    order: Vec<String>,
    trials: Trials,
}

impl Alerts {
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self {
            journal,
            started: SystemTime::now(),
            configured: false,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            order: Vec::new(),
            trials: Trials::default(),
        }
    }

    /// Tells the targets of `config` and no others. One that stays, by its name, keeps what it has
    /// not been told yet.
    pub fn configure(&mut self, config: &Config) {
        while self.tasks.try_join_next().is_some() {}
        let targets = &config.targets;
        self.order = targets.iter().map(|target| target.name.clone()).collect();
        let order = &self.order;
        // Without its sender a task ends.
        self.running.retain(|name, _| order.contains(name));
        for target in targets {
            let context = Context {
                router_id: config.global.router_id.clone(),
                target: target.name.clone(),
                started: self.started,
            };
            let setup = Setup {
                target: Arc::new(target.clone()),
                context,
                until: None,
            };
            match self.running.get(&target.name) {
                Some(running) => self.change(running, setup),
                None => self.start(setup),
            }
        }
        self.configured = true;
    }

    fn change(&self, running: &Running, setup: Setup) {
        running.setup.send_if_modified(|before| {
            let same = before.target == setup.target && before.context == setup.context;
            if !same {
                warn(&setup.target);
                *before = setup;
            }
            !same
        });
    }

    fn start(&mut self, setup: Setup) {
        warn(&setup.target);
        let name = setup.target.name.clone();
        let random = |what: &str| RandomState::new().hash_one(what);
        let prefix = format!("{:016x}", random("prefix"));
        let outbox = Outbox::new(setup.target.pace, prefix, random("seed"));
        let board = Arc::new(Mutex::new(Board::default()));
        let runner = Runner::new(AT_ONCE);
        let (sender, receiver) = watch::channel(setup);
        let (before, events) = if self.configured {
            (Vec::new(), self.journal.listen())
        } else {
            self.journal.listen_to_all()
        };
        let worker = Worker {
            setup: receiver,
            before,
            events,
            outbox,
            board: Arc::clone(&board),
            runner: runner.clone(),
            journal: self.journal.clone(),
        };
        self.tasks.spawn(worker.run());
        let running = Running {
            setup: sender,
            board,
            runner,
        };
        self.running.insert(name, running);
    }

    /// In the order of the file.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let running = self.order.iter().filter_map(|name| self.running.get(name));
        let standing = |running: &Running| {
            let setup = running.setup.borrow();
            let board = lock(&running.board).clone();
            Standing {
                name: setup.target.name.clone(),
                means: setup.target.means.name(),
                queued: board.queued,
                sent: board.counts.sent,
                failed: board.counts.failed,
                dropped: board.counts.dropped,
                last_error: board.last_error,
                last_success: board.last_success,
                warnings: setup.target.means.warnings(),
            }
        };
        running.map(standing).collect()
    }

    /// Sends a test to one target or to all, beside what waits. The number is what
    /// [`Self::tested`] is asked by; all is over within the time.
    ///
    /// # Errors
    /// There is no such target, or none at all.
    pub fn test(&mut self, name: Option<&str>) -> Result<(u64, Duration), String> {
        let wanted = self.order.iter();
        let wanted = wanted.filter(|one| name.is_none_or(|name| name == *one));
        let wanted: Vec<&Running> = wanted.filter_map(|one| self.running.get(one)).collect();
        if wanted.is_empty() {
            return Err(match (name, self.order.as_slice()) {
                (_, []) => "there is no [[notify]] block in the configuration".to_owned(),
                (name, there) => {
                    let name = name.unwrap_or_default();
                    let there = there.join(", ");
                    format!("no [[notify]] block is named {name:?}; there are: {there}")
                }
            });
        }
        let setups = wanted
            .into_iter()
            .map(|one| (one.setup.borrow().clone(), one.runner.clone()));
        let setups: Vec<_> = setups.collect();
        Ok(self.trials.start(setups))
    }

    /// What has come of a test so far, by target in the order of the file.
    ///
    /// # Errors
    /// There was no such test, or it is long past.
    pub fn tested(&self, number: u64) -> Result<Vec<Verdict>, String> {
        self.trials.verdicts(number)
    }

    /// Tells what there is to tell at once, and waits for that, but no longer than `limit`.
    pub async fn finish(mut self, limit: Duration) {
        let until = Instant::now() + limit;
        for running in self.running.values() {
            running.setup.send_modify(|setup| setup.until = Some(until));
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

fn warn(target: &Target) {
    for warning in target.means.warnings() {
        tracing::warn!(
            target = target.name,
            "[[notify]] {}: it {warning}",
            target.name
        );
    }
}
