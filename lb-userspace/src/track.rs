//! Looking at what VRRP instances hang on: scripts, files, processes and routes, by tasks that
//! report what they see. What follows from it is [`crate::control`]'s matter, which knows of
//! interfaces and services by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::config::{Instance, Tracked, TrackedScript};
use crate::health::verdict::Judge;
use crate::script::Runner;

mod file;
mod process;
mod route;

use process::Process;
use route::Network;

/// Tracked scripts that run at once.
const AT_ONCE: usize = 64;

/// What was seen of a tracked thing; sent when it is another than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub what: Tracked,
    pub seen: Seen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Well,
    /// Why; words that go on after the thing's name.
    NotWell(String),
    /// A file's number.
    Number(i64),
}

impl fmt::Display for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => write!(f, "interface {name}"),
            Self::Script(TrackedScript { script, .. }) => {
                write!(f, "script {}", script.program.display())?;
                let mut arguments = script.arguments.iter();
                arguments.try_for_each(|argument| write!(f, " {argument}"))
            }
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Process { name, .. } => write!(f, "process {name}"),
            Self::Route {
                network,
                prefix_len,
            } => write!(f, "route {network}/{prefix_len}"),
            Self::Service { name, .. } => write!(f, "service {name}"),
        }
    }
}

/// The running tasks; what they see goes to a channel of `T`.
pub struct Trackers<T> {
    reports: mpsc::Sender<T>,
    runner: Runner,
    tasks: JoinSet<()>,
    /// Scripts and files have a task each.
    running: BTreeMap<Tracked, AbortHandle>,
    /// All processes are found in one pass, all routes in one list.
    processes: watch::Sender<BTreeSet<Process>>,
    routes: watch::Sender<BTreeSet<Network>>,
}

impl<T: From<Report> + Send + 'static> Trackers<T> {
    #[must_use]
    pub fn new(reports: mpsc::Sender<T>) -> Self {
        let mut tasks = JoinSet::new();
        let (processes, wanted) = watch::channel(BTreeSet::new());
        tasks.spawn(process::run(wanted, reports.clone()));
        let (routes, wanted) = watch::channel(BTreeSet::new());
        tasks.spawn(route::run(wanted, reports.clone()));
        Self {
            reports,
            runner: Runner::new(AT_ONCE),
            tasks,
            running: BTreeMap::new(),
            processes,
            routes,
        }
    }

    /// Looks at what `instances` track and at nothing else. Each thing is looked at once, and
    /// scripts that did not change go on.
    pub fn configure(&mut self, instances: &[Instance]) {
        let wanted: BTreeSet<&Tracked> = instances
            .iter()
            .flat_map(|instance| &instance.track)
            .map(|track| &track.what)
            .collect();
        self.running.retain(|what, task| {
            let keep = wanted.contains(what);
            if !keep {
                task.abort();
            }
            keep
        });
        let (mut processes, mut routes) = (BTreeSet::new(), BTreeSet::new());
        for what in wanted {
            match what {
                Tracked::Script(_) | Tracked::File(_) if self.running.contains_key(what) => {}
                Tracked::Script(script) => {
                    let (runner, reports) = (self.runner.clone(), self.reports.clone());
                    let task = self
                        .tasks
                        .spawn(watch_script(script.clone(), runner, reports));
                    self.running.insert(what.clone(), task);
                }
                Tracked::File(path) => {
                    let reports = self.reports.clone();
                    let task = self.tasks.spawn(watch_file(path.clone(), reports));
                    self.running.insert(what.clone(), task);
                }
                Tracked::Process { name, at_least } => {
                    processes.insert(Process {
                        name: name.clone(),
                        at_least: *at_least,
                    });
                }
                Tracked::Route {
                    network,
                    prefix_len,
                } => {
                    routes.insert(Network {
                        address: *network,
                        prefix_len: *prefix_len,
                    });
                }
                Tracked::Interface(_) | Tracked::Service { .. } => {}
            }
        }
        // Sent even if nothing changed: then all is reported once more.
        self.processes.send_replace(processes);
        self.routes.send_replace(routes);
        while self.tasks.try_join_next().is_some() {}
    }
}

/// Runs until nobody listens. The first end decides by itself, as with health checks.
async fn watch_script<T: From<Report>>(
    script: TrackedScript,
    runner: Runner,
    reports: mpsc::Sender<T>,
) {
    let mut judge = Judge::new(script.rise, script.fall);
    loop {
        let start = Instant::now();
        let ended = runner.run(&script.script, &[], &[]).await;
        if judge.observe(ended.is_good()) {
            let seen = if ended.is_good() {
                Seen::Well
            } else {
                Seen::NotWell(ended.to_string())
            };
            let what = Tracked::Script(script.clone());
            if reports.send(Report { what, seen }.into()).await.is_err() {
                return;
            }
        }
        sleep_until(start + script.interval).await;
    }
}

async fn watch_file<T: From<Report>>(path: PathBuf, reports: mpsc::Sender<T>) {
    let mut file = file::Watch::new(path.clone());
    loop {
        let seen = file.next().await;
        let what = Tracked::File(path.clone());
        if reports.send(Report { what, seen }.into()).await.is_err() {
            return;
        }
    }
}

/// What was reported last, by thing: only news is sent.
#[derive(Debug)]
struct Told<K>(BTreeMap<K, Seen>);

impl<K: Ord + Clone> Told<K> {
    const fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn forget(&mut self) {
        self.0.clear();
    }

    fn is_news(&mut self, key: &K, seen: &Seen) -> bool {
        self.0.insert(key.clone(), seen.clone()).as_ref() != Some(seen)
    }
}

#[cfg(test)]
mod tests;
