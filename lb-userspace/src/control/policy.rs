//! What follows from the verdicts on real servers. PURE.
//!
//! A `desk` judges the servers of one service together. A service that asks for nothing that
//! needs that has none: each server's verdict decides for it alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use crate::config::{self, Config, Initial, Policy, When};
use crate::health::{Subject, Verdict};

use super::{Control, ServerState};

mod count;
mod damping;
mod desk;
mod facts;
mod news;
pub(super) mod ramp;
mod seat;
#[cfg(test)]
mod tests;

pub use count::Count;
use desk::Desk;
pub(super) use facts::Ruling;
use facts::{Facts, Health, Reached};
pub use news::{News, What};

/// The desks, by service.
#[derive(Debug, Clone, Default)]
pub(super) struct Policies {
    desks: BTreeMap<Arc<str>, Desk>,
    news: Vec<News>,
}

impl Policies {
    /// What is known of services that stay is kept.
    pub(super) fn configure(&mut self, config: &Config) {
        let needs = config.services.iter().filter(|service| needs_desk(service));
        let mut before = std::mem::take(&mut self.desks);
        let desk = |service: &config::Service| {
            let desk = before.remove(&service.name).unwrap_or_default();
            (service.name.clone(), desk)
        };
        self.desks = needs.map(desk).collect();
    }

    pub(super) fn observe(&mut self, verdict: &Verdict) {
        if let Some(desk) = self.desks.get_mut(&verdict.subject.service) {
            let (server, up) = (verdict.subject.real_server, verdict.outcome.is_ok());
            desk.observe(server, up, verdict.at);
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.desks.values().filter_map(Desk::next_timeout).min()
    }

    fn desk(&self, service: &config::Service) -> Option<&Desk> {
        self.desks.get(&service.name)
    }
}

fn needs_desk(service: &config::Service) -> bool {
    let mut servers = service.real_servers.iter();
    service.policy != Policy::default() || servers.any(|one| one.manner.slow_start.is_some())
}

impl Control {
    /// Judges the services anew by what is known now.
    pub(super) fn judge(&mut self, now: Instant) {
        let mut desks = std::mem::take(&mut self.policies.desks);
        for service in &self.config.services {
            let Some(desk) = desks.get_mut(&service.name) else {
                continue;
            };
            let servers = service.real_servers.iter();
            let facts: Vec<Facts> = servers.map(|server| self.facts(service, server)).collect();
            for what in desk.judge(&service.policy, &facts, now) {
                let service = service.name.clone();
                self.policies.news.push(News { service, what });
            }
            if desk.take_changed() {
                self.history.touch();
            }
        }
        self.policies.desks = desks;
    }

    /// What is to be told, once.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.policies.news)
    }

    fn facts(&self, service: &config::Service, server: &config::RealServer) -> Facts {
        let started = self.instances.get(&service.vrrp);
        let started = started.is_some_and(|instance| instance.started);
        let state = self.reach(server.address);
        let disabled = self.is_disabled(service, server.address);
        let reached = if disabled {
            Reached::No
        } else if state.path().is_some() {
            Reached::Yes
        } else if state == ServerState::Resolving && !started {
            Reached::NotYet
        } else {
            Reached::No
        };
        Facts {
            address: server.address,
            manner: server.manner,
            health: self.health(service, server),
            reached,
            drained: disabled || self.weight(service, server) == 0,
        }
    }

    /// What the server's check says, or what it is taken for without.
    fn health(&self, service: &config::Service, server: &config::RealServer) -> Health {
        const SUSPENDED: &str = "it was not checked yet: its check runs while this director is \
                                 MASTER";
        let Some(check) = service.check_of(server) else {
            return Health::Good;
        };
        let subject = Subject {
            service: service.name.clone(),
            real_server: server.address,
        };
        match self.verdicts.get(&subject) {
            Some(Ok(())) => Health::Good,
            Some(Err(reason)) => Health::Bad(reason.clone()),
            None => match (server.manner.initial, check.when) {
                (Initial::Up, _) | (Initial::Check, When::Master) => Health::Good,
                (Initial::Down, When::Master) if !self.leads(&service.vrrp) => {
                    Health::Bad(SUSPENDED.to_owned())
                }
                (Initial::Check, When::Always) | (Initial::Down, _) => Health::Open,
            },
        }
    }

    /// What a server is used for.
    pub(super) fn ruling(&self, service: &config::Service, server: &config::RealServer) -> Ruling {
        let desk = self.policies.desk(service);
        let ruling = desk.and_then(|desk| desk.ruling(server.address));
        let plain = || Ruling::plain(self.health(service, server), server.manner);
        ruling.cloned().unwrap_or_else(plain)
    }

    /// Whether a service has the healthy real servers that it needs; `None`: that is not known
    /// yet, or not asked for.
    #[must_use]
    pub fn quorum(&self, service: &config::Service) -> Option<bool> {
        self.policies.desk(service)?.quorum()
    }

    /// Whether so few real servers are healthy that all are used.
    #[must_use]
    pub fn panics(&self, service: &config::Service) -> bool {
        self.policies.desk(service).is_some_and(Desk::panics)
    }

    /// Whether a service's fallback gets its clients.
    #[must_use]
    pub fn falls_back(&self, service: &config::Service) -> bool {
        self.policies.desk(service).is_some_and(Desk::falls_back)
    }

    /// Names of the instances for which this director leads, or holds the place: checks with
    /// `when = "master"` run.
    #[must_use]
    pub fn leading(&self) -> BTreeSet<String> {
        let leading = self.instances.iter();
        let leading = leading.filter(|(_, instance)| instance.serving.holds_addresses());
        leading.map(|(name, _)| name.clone()).collect()
    }

    fn leads(&self, instance: &str) -> bool {
        let instance = self.instances.get(instance);
        instance.is_some_and(|instance| instance.serving.holds_addresses())
    }
}
