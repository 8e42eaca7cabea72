//! Health checks of real servers: one task per check, which reports verdicts.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::config::{Check, CheckKind, Service};

mod jitter;
mod tcp;
pub mod verdict;

use jitter::Jitter;
use verdict::Judge;

/// A real server of a service, by their names in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub service: String,
    pub real_server: IpAddr,
}

/// A real server came up, went down, or was checked for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub subject: Subject,
    /// What the last probe met, if the server is down.
    pub outcome: Result<(), String>,
    pub at: Instant,
}

struct Running {
    target: SocketAddr,
    check: Check,
    task: AbortHandle,
}

/// The running checks; their verdicts go to a channel of `T`.
pub struct Checks<T> {
    verdicts: mpsc::Sender<T>,
    tasks: JoinSet<()>,
    running: BTreeMap<Subject, Running>,
}

impl<T: From<Verdict> + Send + 'static> Checks<T> {
    #[must_use]
    pub fn new(verdicts: mpsc::Sender<T>) -> Self {
        Self {
            verdicts,
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
        }
    }

    /// Runs the checks of `services` and no others. A check that did not change goes on.
    pub fn configure(&mut self, services: &[Service]) {
        let wanted = wanted(services);
        self.running.retain(|subject, running| {
            let keep = wanted.get(subject) == Some(&(running.target, running.check));
            if !keep {
                running.task.abort();
            }
            keep
        });
        for (subject, (target, check)) in wanted {
            if !self.running.contains_key(&subject) {
                let watch = watch(subject.clone(), target, check, self.verdicts.clone());
                let task = self.tasks.spawn(watch);
                let running = Running {
                    target,
                    check,
                    task,
                };
                self.running.insert(subject, running);
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }
}

fn wanted(services: &[Service]) -> BTreeMap<Subject, (SocketAddr, Check)> {
    let mut wanted = BTreeMap::new();
    for service in services {
        let Some(check) = service.check else { continue };
        for server in &service.real_servers {
            let subject = Subject {
                service: service.name.clone(),
                real_server: server.address,
            };
            let target = SocketAddr::new(server.address, check.port);
            wanted.insert(subject, (target, check));
        }
    }
    wanted
}

/// Probes one server until nobody listens. The first probe starts at once and decides by itself: a
/// director that takes over shall know its servers.
async fn watch<T: From<Verdict>>(
    subject: Subject,
    target: SocketAddr,
    check: Check,
    verdicts: mpsc::Sender<T>,
) {
    let mut judge = Judge::new(check.rise, check.fall);
    let mut jitter = Jitter::new(&target);
    loop {
        let start = tokio::time::Instant::now();
        let outcome = probe(target, &check).await;
        if judge.observe(outcome.is_ok()) {
            let verdict = Verdict {
                subject: subject.clone(),
                outcome,
                at: Instant::now(),
            };
            if verdicts.send(verdict.into()).await.is_err() {
                return;
            }
        }
        tokio::time::sleep_until(start + jitter.vary(check.interval, check.jitter)).await;
    }
}

async fn probe(target: SocketAddr, check: &Check) -> Result<(), String> {
    let probe = match check.kind {
        CheckKind::Tcp => tcp::probe(target),
    };
    match tokio::time::timeout(check.timeout, probe).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("no answer within {:?}", check.timeout)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_check_goes_to_its_own_port() {
        let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                    addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"all\"\n\
                    address = \"192.0.2.10:0\"\ncheck = { type = \"tcp\", port = 22 }\n\
                    [[service.real_server]]\naddress = \"192.0.2.21\"\n";
        let config = crate::config::parse(Path::new("test.toml"), text).unwrap();
        let targets: Vec<_> = wanted(&config.services).into_values().collect();
        assert_eq!(targets.len(), 1);
        assert_eq!(targets[0].0, "192.0.2.21:22".parse().unwrap());
    }
}
