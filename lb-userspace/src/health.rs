//! Health checks of real servers: one task per check, which reports verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Check, Initial, Service, When};
use crate::events::Journal;

mod attempt;
mod cue;
mod dns;
mod end;
mod failure;
mod file;
mod files;
mod gate;
mod grpc;
mod http;
mod jitter;
mod outcome;
mod ping;
mod probe;
mod prompt;
mod redis;
mod script;
mod smtp;
mod socket;
mod stream;
mod tcp;
mod thread;
mod tls;
mod turns;
mod udp;
pub mod verdict;
mod via;
mod watch;
pub mod wire;

use attempt::Tools;
use cue::Cues;
use gate::Gates;
pub use outcome::{Certificate, Weight};
use thread::Thread;
pub use turns::Load;
pub use via::{Way, Ways};
use watch::Watch;

/// A real server of a service, by their names in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// All that is known of a service's servers has the one name in memory.
    pub service: Arc<str>,
    pub real_server: IpAddr,
}

/// A real server came up, went down, or was checked for the first time; or its check gives it
/// another weight, or has seen another certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub subject: Subject,
    /// What the last probe met, if the server is down.
    pub outcome: Result<(), String>,
    /// It was not up, or not down, before.
    pub changed: bool,
    /// `None`: the configured one.
    pub weight: Option<Weight>,
    /// `None`: the check sees none.
    pub certificate: Option<Certificate>,
    pub at: Instant,
}

/// How one server is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Order {
    check: Arc<Check>,
    initial: Initial,
    /// The VRRP instance without whose mastership it does not run.
    instance: Option<String>,
}

struct Running {
    order: Order,
    /// Why it should probe at once; one such reason may wait.
    prompts: Option<mpsc::Sender<String>>,
    task: AbortHandle,
}

/// The running checks; their verdicts go to a channel of `T`.
pub struct Checks<T> {
    verdicts: mpsc::Sender<T>,
    tasks: JoinSet<()>,
    running: BTreeMap<Subject, Running>,
    tools: Arc<Tools>,
    gates: Gates,
    thread: Thread,
}

/// Part of an interval that is left to each of many checks that begin at once: so long may a probe
/// keep the thread. A hundred have their first verdicts after 10 ms, ten thousand after a second,
/// and these stay evenly spread.
const PACE: Duration = Duration::from_micros(100);

impl<T: From<Verdict> + Send + 'static> Checks<T> {
    /// # Errors
    /// There can be no thread for them.
    pub fn new(verdicts: mpsc::Sender<T>, journal: Journal) -> io::Result<Self> {
        let tools = Tools {
            journal,
            ..Tools::default()
        };
        Ok(Self {
            verdicts,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            tools: Arc::new(tools),
            gates: Gates::default(),
            thread: Thread::spawn()?,
        })
    }

    /// Checks with `when = "master"` run for these VRRP instances.
    pub fn lead(&mut self, instances: BTreeSet<String>) {
        self.gates.lead(instances);
    }

    /// Runs the checks of `services` and no others. A check that did not change goes on, with its
    /// certificates and keys read anew.
    pub fn configure(&mut self, services: &[Service]) {
        warn(services);
        self.tools.tls.forget();
        let wanted = wanted(services);
        self.running.retain(|subject, running| {
            let keep = wanted.get(subject) == Some(&running.order);
            if !keep {
                running.task.abort();
            }
            keep
        });
        let now = tokio::time::Instant::now();
        let mut ahead = 0;
        for (subject, order) in wanted {
            if !self.running.contains_key(&subject) {
                // Of checks that are too many for their interval, the first come first again.
                let due = now + remainder(PACE * ahead, order.check.interval);
                ahead += 1;
                let tools = Arc::clone(&self.tools);
                let verdicts = self.verdicts.clone();
                let (cues, prompts) = self.cues(&order);
                let own = (subject.clone(), Arc::clone(&order.check), order.initial);
                let watch = Watch::new(own, tools, verdicts).run(cues, due);
                let task = self.tasks.spawn_on(watch, self.thread.handle());
                let running = Running {
                    order,
                    prompts,
                    task,
                };
                self.running.insert(subject, running);
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    fn cues(&mut self, order: &Order) -> (Cues, Option<mpsc::Sender<String>>) {
        let (prompts, prompted) = if order.check.passive {
            let (prompts, prompted) = mpsc::channel(1);
            (Some(prompts), Some(prompted))
        } else {
            (None, None)
        };
        let gate = order.instance.as_ref();
        let gate = gate.map(|instance| self.gates.of(instance));
        (Cues::new(prompted, gate), prompts)
    }

    /// Lets a passive check probe as soon as it may, for this reason; others stay as they are.
    /// Tells whether it will.
    pub fn prompt(&self, subject: &Subject, why: &str) -> bool {
        let running = self.running.get(subject);
        let prompts = running.and_then(|one| one.prompts.as_ref());
        prompts.is_some_and(|prompts| prompts.try_send(why.to_owned()).is_ok())
    }

    /// How many checks there are, and how they keep up.
    #[must_use]
    pub fn load(&self) -> (usize, Load) {
        (self.running.len(), self.tools.turns.load())
    }
}

fn remainder(time: Duration, interval: Duration) -> Duration {
    let rest = time.as_nanos() % interval.as_nanos().max(1);
    // Less than the interval, which is far below 2^64 ns.
    Duration::from_nanos(rest as u64)
}

/// Says loudly what the operator shall not overlook.
fn warn(services: &[Service]) {
    for service in services {
        for warning in service.check_warnings() {
            tracing::warn!(service = %service.name, "{warning}");
        }
    }
}

fn wanted(services: &[Service]) -> BTreeMap<Subject, Order> {
    let mut wanted = BTreeMap::new();
    for service in services {
        for server in &service.real_servers {
            let Some(check) = service.check_of(server) else {
                continue;
            };
            let subject = Subject {
                service: service.name.clone(),
                real_server: server.address,
            };
            let order = Order {
                check: Arc::clone(check),
                initial: server.manner.initial,
                instance: (check.when == When::Master).then(|| service.vrrp.clone()),
            };
            wanted.insert(subject, order);
        }
    }
    wanted
}

#[cfg(test)]
mod tests;
