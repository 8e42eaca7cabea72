//! Which instances may take part in elections. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::config;

use super::{Control, Instance, READY_LIMIT, Serving};

impl Control {
    /// Whether some instance waits for nothing but its data plane.
    #[must_use]
    pub fn waits_for_plane(&self, now: Instant) -> bool {
        !self.prepared(now).is_empty()
    }

    /// Whether nothing is served yet, and first verdicts are still to come: tables that change with
    /// each of ten thousand would only keep the daemon from the rest.
    #[must_use]
    pub fn is_warming(&self, now: Instant) -> bool {
        let idle = |one: &Instance| !one.started && one.serving == Serving::Idle;
        self.instances.values().all(idle) && self.prepared(now).is_empty()
    }

    /// The instances that take no part yet, and whose real servers and tracked things are known.
    fn prepared(&self, now: Instant) -> BTreeSet<String> {
        let waiting = self.instances.iter().filter(|(_, one)| !one.started);
        let mut waiting = waiting.peekable();
        if waiting.peek().is_none() {
            return BTreeSet::new();
        }
        let mut unknown = self.unknown();
        unknown.extend(self.untracked());
        let known = waiting.filter(|(name, instance)| {
            !unknown.contains(*name) || now >= instance.configured_at + READY_LIMIT
        });
        known.map(|(name, _)| name.clone()).collect()
    }

    /// Instances with a real server of which waiting would tell more.
    fn unknown(&self) -> BTreeSet<String> {
        let unsettled = |service: &&config::Service| {
            let state = |server| self.server_state(service, server);
            service
                .real_servers
                .iter()
                .any(|server| !state(server).is_settled())
                || self.waits_for_fallback(service)
        };
        let services = self.config.services.iter().filter(unsettled);
        services.map(|service| service.vrrp.clone()).collect()
    }

    /// Instances none of whose services this director can serve. One without services has
    /// nothing to serve, and may well be MASTER.
    #[must_use]
    pub fn unfit(&self) -> BTreeSet<String> {
        let mut fit: BTreeMap<&str, bool> = BTreeMap::new();
        for service in &self.config.services {
            let served = self.planes.assign(service).plane.is_some();
            *fit.entry(&service.vrrp).or_default() |= served;
        }
        let unfit = fit.into_iter().filter(|(_, fit)| !fit);
        unfit.map(|(name, _)| name.to_owned()).collect()
    }

    /// The instances that may take part from now on, each named once: their forwarding tables
    /// are filled, so that a takeover has something to offer.
    pub fn take_ready(&mut self, now: Instant) -> Vec<String> {
        let prepared = self.prepared(now);
        if prepared.is_empty() {
            return Vec::new();
        }
        let unfit = self.unfit();
        let ready: Vec<String> = prepared.difference(&unfit).cloned().collect();
        for name in &ready {
            if let Some(instance) = self.instances.get_mut(name) {
                instance.started = true;
            }
        }
        ready
    }

    /// The instances that must give up, each named once: no data plane serves any more.
    pub fn take_unfit(&mut self) -> Vec<String> {
        let mut unfit = self.unfit();
        unfit.retain(|name| match self.instances.get_mut(name) {
            Some(instance) if instance.started => {
                instance.started = false;
                true
            }
            Some(_) | None => false,
        });
        unfit.into_iter().collect()
    }

    /// The instances whose addresses are to be announced, each named once per mastership.
    pub fn take_announcements(&mut self) -> Vec<String> {
        let unannounced = self.instances.iter_mut().filter(|(_, i)| i.unannounced);
        unannounced
            .map(|(name, instance)| {
                instance.unannounced = false;
                name.clone()
            })
            .collect()
    }
}
