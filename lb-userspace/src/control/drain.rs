//! Real servers that get no more clients, by the operator or by weight 0, and how long they keep
//! those that they have. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::{self, Config};
use crate::health::Subject;

use super::{Control, subjects};

/// Why a drain cannot begin or end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    #[error("no service is called {name:?}; there are: {known}")]
    NoService { name: String, known: String },
    #[error("service {service} has no real server {address}; it has: {known}")]
    NoServer {
        service: String,
        address: IpAddr,
        known: String,
    },
    #[error("real server {address} of service {service} is not being drained")]
    NotDrained { service: String, address: IpAddr },
    #[error(
        "real server {address} of service {service} was not drained by hand: its weight is 0 in \
         the configuration; change it there, and reload"
    )]
    NoWeight { service: String, address: IpAddr },
}

/// A server whose weight is 0 in the configuration.
#[derive(Debug, Clone, Copy)]
struct Weightless {
    since: Instant,
    deadline: Option<Instant>,
}

/// Which servers get no more clients.
#[derive(Debug, Clone, Default)]
pub(super) struct Drains {
    /// Those of the operator, with their deadlines.
    by_hand: BTreeMap<Subject, Option<Instant>>,
    weightless: BTreeMap<Subject, Weightless>,
    /// Those of both whose deadline has passed.
    over: BTreeSet<Subject>,
}

impl Drains {
    /// Follows a configuration: a server that it does not have is drained no more, not even when
    /// it comes back.
    pub(super) fn configure(&mut self, config: &Config, now: Instant) {
        let known: BTreeSet<Subject> = config.services.iter().flat_map(subjects).collect();
        self.by_hand.retain(|subject, _| known.contains(subject));
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
        self.expire(now);
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let passed = self.deadlines().filter(|(_, deadline)| *deadline <= now);
        self.over = passed.map(|(subject, _)| subject.clone()).collect();
    }

    /// When the next one is over.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let waiting = self.deadlines().filter(|(s, _)| !self.over.contains(s));
        waiting.map(|(_, deadline)| deadline).min()
    }

    fn deadlines(&self) -> impl Iterator<Item = (&Subject, Instant)> {
        let by_hand = self.by_hand.iter().map(|(s, deadline)| (s, *deadline));
        let weightless = self.weightless.iter().map(|(s, one)| (s, one.deadline));
        let all = by_hand.chain(weightless);
        all.filter_map(|(subject, deadline)| Some((subject, deadline?)))
    }

    /// Whether it gets no more clients.
    pub(super) fn has(&self, subject: &Subject) -> bool {
        self.by_hand.contains_key(subject) || self.weightless.contains_key(subject)
    }

    /// Whether it keeps no clients either.
    pub(super) fn is_over(&self, subject: &Subject) -> bool {
        self.over.contains(subject)
    }
}

impl Control {
    /// A real server gets no more clients from now on, and no packets after `deadline`, by default
    /// the service's. A drain under way gets the new deadline. Returns when that is.
    ///
    /// # Errors
    /// There is no such real server.
    pub fn drain(
        &mut self,
        service: &str,
        server: IpAddr,
        deadline: Option<Duration>,
        now: Instant,
    ) -> Result<Option<Instant>, DrainError> {
        let (service, _) = self.find_server(service, server)?;
        let deadline = deadline.or(service.drain_deadline);
        let deadline = deadline.and_then(|time| now.checked_add(time));
        let subject = subject(service, server);
        self.drains.by_hand.insert(subject, deadline);
        self.drains.expire(now);
        Ok(deadline)
    }

    /// A real server gets clients again.
    ///
    /// # Errors
    /// There is no such real server, or it was not drained by [`Self::drain`].
    pub fn undrain(
        &mut self,
        service: &str,
        server: IpAddr,
        now: Instant,
    ) -> Result<(), DrainError> {
        let (service, real_server) = self.find_server(service, server)?;
        let subject = subject(service, server);
        let (service, address) = (service.name.clone(), server);
        let weight = real_server.weight;
        if self.drains.by_hand.remove(&subject).is_some() {
            self.drains.expire(now);
            return Ok(());
        }
        Err(if weight == 0 {
            DrainError::NoWeight { service, address }
        } else {
            DrainError::NotDrained { service, address }
        })
    }

    /// The drains of [`Self::drain`], with their deadlines.
    #[must_use]
    pub const fn drains(&self) -> &BTreeMap<Subject, Option<Instant>> {
        &self.drains.by_hand
    }

    /// Takes over the drains of an earlier daemon, as far as the configuration has their servers.
    pub fn restore_drains(
        &mut self,
        drains: impl IntoIterator<Item = (Subject, Option<Instant>)>,
        now: Instant,
    ) {
        self.drains.by_hand.extend(drains);
        self.drains.configure(&self.config, now);
    }

    /// The weight that counts: 0 while it is drained, else its check's, if that gives one.
    #[must_use]
    pub fn weight(&self, service: &config::Service, server: &config::RealServer) -> u16 {
        let subject = subject(service, server.address);
        if self.drains.has(&subject) {
            return 0;
        }
        self.seen.weight(service, server, &subject)
    }

    fn find_server(
        &self,
        name: &str,
        address: IpAddr,
    ) -> Result<(&config::Service, &config::RealServer), DrainError> {
        let services = &self.config.services;
        let service = services.iter().find(|service| service.name == name);
        let service = service.ok_or_else(|| DrainError::NoService {
            name: name.to_owned(),
            known: join(services.iter().map(|service| service.name.clone())),
        })?;
        let servers = &service.real_servers;
        let server = servers.iter().find(|server| server.address == address);
        let server = server.ok_or_else(|| DrainError::NoServer {
            service: name.to_owned(),
            address,
            known: join(servers.iter().map(|server| server.address.to_string())),
        })?;
        Ok((service, server))
    }
}

fn subject(service: &config::Service, real_server: IpAddr) -> Subject {
    let service = service.name.clone();
    Subject {
        service,
        real_server,
    }
}

fn join(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}
