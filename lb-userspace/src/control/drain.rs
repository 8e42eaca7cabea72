//! Real servers that get no more clients, by the operator or by weight 0, and how long they keep
//! those that they have. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use crate::config::{self, Config};
use crate::health::Subject;

use super::orders::{Hold, OrderError, Orders, subject};
use super::{Control, subjects};

/// A server whose weight is 0 in the configuration.
#[derive(Debug, Clone, Copy)]
struct Weightless {
    since: Instant,
    deadline: Option<Instant>,
}

/// Which servers the configuration drains, and whose deadline has passed.
#[derive(Debug, Clone, Default)]
pub(super) struct Drains {
    weightless: BTreeMap<Subject, Weightless>,
    /// Those, and those drained by hand, whose deadline has passed.
    over: BTreeSet<Subject>,
}

impl Drains {
    /// Follows a configuration.
    pub(super) fn configure(&mut self, config: &Config, orders: &Orders, now: Instant) {
        let mut weightless = BTreeMap::new();
        for service in &config.services {
            for (subject, server) in subjects(service).into_iter().zip(&service.real_servers) {
                if server.weight == 0 {
                    let before = self.weightless.get(&subject);
                    let since = before.map_or(now, |before| before.since);
                    let deadline = service.drain_deadline;
                    let deadline = deadline.and_then(|time| since.checked_add(time));
                    weightless.insert(subject, Weightless { since, deadline });
                }
            }
        }
        self.weightless = weightless;
        self.expire(orders, now);
    }

    /// Tells whether that changes anything.
    pub(super) fn expire(&mut self, orders: &Orders, now: Instant) -> bool {
        let deadlines = self.deadlines(orders);
        let passed = deadlines.filter(|(_, deadline)| *deadline <= now);
        let over = passed.map(|(subject, _)| subject.clone()).collect();
        let changed = self.over != over;
        self.over = over;
        changed
    }

    /// When the next one is over.
    pub(super) fn next_timeout(&self, orders: &Orders) -> Option<Instant> {
        let deadlines = self.deadlines(orders);
        let waiting = deadlines.filter(|(subject, _)| !self.over.contains(subject));
        waiting.map(|(_, deadline)| deadline).min()
    }

    fn deadlines<'a>(&'a self, orders: &'a Orders) -> impl Iterator<Item = (&'a Subject, Instant)> {
        // A weight that was set by hand takes the place of the configured one, with its deadline.
        let weightless = self.weightless.iter();
        let weightless = weightless.filter(|(subject, _)| orders.weight(subject).is_none());
        let weightless = weightless.filter_map(|(subject, one)| Some((subject, one.deadline?)));
        weightless.chain(orders.deadlines())
    }

    /// Whether its weight is 0 in the configuration.
    pub(super) fn has(&self, subject: &Subject) -> bool {
        self.weightless.contains_key(subject)
    }

    /// Whether it keeps no clients either.
    pub(super) fn is_over(&self, subject: &Subject) -> bool {
        self.over.contains(subject)
    }
}

impl Control {
    /// The weight that counts: 0 while it is drained, else the one that was set by hand, else its
    /// check's, if that gives one.
    #[must_use]
    pub fn weight(&self, service: &config::Service, server: &config::RealServer) -> u16 {
        let subject = subject(service, server.address);
        if let Some(Hold::Drained { .. }) = self.orders.hold(&subject) {
            return 0;
        }
        if let Some(weight) = self.orders.weight(&subject) {
            return weight;
        }
        if self.drains.has(&subject) {
            return 0;
        }
        self.seen.weight(service, server, &subject)
    }

    pub(super) fn find_server(
        &self,
        name: &str,
        address: IpAddr,
    ) -> Result<(&config::Service, &config::RealServer), OrderError> {
        let service = self.find_service(name)?;
        let servers = &service.real_servers;
        let server = servers.iter().find(|server| server.address == address);
        let server = server.ok_or_else(|| OrderError::NoServer {
            service: name.to_owned(),
            address,
            known: join(servers.iter().map(|server| server.address.to_string())),
        })?;
        Ok((service, server))
    }

    pub(super) fn find_service(&self, name: &str) -> Result<&config::Service, OrderError> {
        let services = &self.config.services;
        let service = services.iter().find(|service| *service.name == *name);
        service.ok_or_else(|| OrderError::NoService {
            name: name.to_owned(),
            known: join(services.iter().map(|service| service.name.to_string())),
        })
    }
}

fn join(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
