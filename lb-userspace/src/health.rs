//! Health checks of real servers: one task per check, which reports verdicts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Check, Initial, Service, When};
use crate::events::Journal;

mod attempt;
mod dns;
mod failure;
mod file;
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
mod tls;
mod udp;
pub mod verdict;
mod via;
mod watch;

use attempt::Tools;
use gate::{Gate, Gates};
pub use outcome::{Certificate, Weight};
pub use via::{Way, Ways};

/// A real server of a service, by their names in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub service: String,
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
    prompts: mpsc::Sender<String>,
    task: AbortHandle,
}

/// The running checks; their verdicts go to a channel of `T`.
pub struct Checks<T> {
    verdicts: mpsc::Sender<T>,
    tasks: JoinSet<()>,
    running: BTreeMap<Subject, Running>,
    tools: Arc<Tools>,
    gates: Gates,
}

impl<T: From<Verdict> + Send + 'static> Checks<T> {
    #[must_use]
    pub fn new(verdicts: mpsc::Sender<T>, journal: Journal) -> Self {
        let tools = Tools {
            journal,
            ..Tools::default()
        };
        Self {
            verdicts,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            tools: Arc::new(tools),
            gates: Gates::default(),
        }
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
        for (subject, order) in wanted {
            if !self.running.contains_key(&subject) {
                let tools = Arc::clone(&self.tools);
                let verdicts = self.verdicts.clone();
                let (prompts, prompted) = mpsc::channel(1);
                let gate = order.instance.as_ref();
                let gate = gate.map_or(Gate::ALWAYS, |instance| self.gates.of(instance));
                let check = Arc::clone(&order.check);
                let start = (order.initial, gate);
                let watch = watch::watch(subject.clone(), check, tools, prompted, verdicts, start);
                let task = self.tasks.spawn(watch);
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

    /// Lets a passive check probe as soon as it may, for this reason; others stay as they are.
    /// Tells whether it will.
    pub fn prompt(&self, subject: &Subject, why: &str) -> bool {
        let running = self.running.get(subject).filter(|one| one.check.passive);
        running.is_some_and(|one| one.prompts.try_send(why.to_owned()).is_ok())
    }
}

/// Says loudly what the operator shall not overlook.
fn warn(services: &[Service]) {
    for service in services {
        for warning in service.check.iter().flat_map(|check| check.warnings()) {
            tracing::warn!(service = %service.name, "{warning}");
        }
    }
}

fn wanted(services: &[Service]) -> BTreeMap<Subject, Order> {
    let mut wanted = BTreeMap::new();
    for service in services {
        let Some(check) = &service.check else {
            continue;
        };
        for server in &service.real_servers {
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
