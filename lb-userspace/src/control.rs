//! What the director knows, and what follows from it. PURE: events in, desired state out.
//!
//! The daemon feeds it with what happened, and then brings the kernel to [`Control::table`] and
//! [`Control::addresses`]; nothing here knows what the kernel holds already.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config::{self, Config, InterfaceAddress};
use crate::health::{Subject, Verdict};
use crate::netlink::{Link, Neighbour, Resolution, Route};
use crate::vrrp::{self, State};

pub mod devices;
mod drain;
mod election;
pub mod history;
mod instance;
mod members;
pub mod orders;
pub mod plane;
pub mod policy;
mod reach;
mod seen;
mod server;
mod standby;
pub mod through;
pub mod track;
mod vlan;
mod wanted;

use drain::Drains;
use history::History;
pub use instance::{Instance, Leader, Rival, Serving};
pub use members::{Member, Members};
use orders::Orders;
use plane::Planes;
use policy::Policies;
use seen::Seen;
pub use server::ServerState;
pub use standby::ipvs_key;
use track::Tracking;

/// An instance whose real servers are not all known by then takes part nevertheless.
const READY_LIMIT: Duration = Duration::from_secs(5);

/// The director's knowledge.
#[derive(Debug, Clone)]
pub struct Control {
    config: Config,
    instances: BTreeMap<String, Instance>,
    /// All real servers of `config`.
    subjects: BTreeSet<Subject>,
    verdicts: BTreeMap<Subject, Result<(), String>>,
    links: BTreeMap<String, Link>,
    routes: BTreeMap<IpAddr, Route>,
    neighbours: BTreeMap<(u32, IpAddr), Resolution>,
    planes: Planes,
    orders: Orders,
    drains: Drains,
    history: History,
    tracking: Tracking,
    seen: Seen,
    policies: Policies,
}

impl Control {
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let mut control = Self {
            planes: Planes::new(config.global.dataplane),
            config: Config {
                global: config.global.clone(),
                vrrp: Vec::new(),
                sync_groups: Vec::new(),
                services: Vec::new(),
                targets: Vec::new(),
            },
            instances: BTreeMap::new(),
            subjects: BTreeSet::new(),
            verdicts: BTreeMap::new(),
            links: BTreeMap::new(),
            routes: BTreeMap::new(),
            neighbours: BTreeMap::new(),
            orders: Orders::default(),
            drains: Drains::default(),
            history: History::default(),
            tracking: Tracking::default(),
            seen: Seen::default(),
            policies: Policies::default(),
        };
        control.configure(config, now);
        control
    }

    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Takes a new configuration; what is known of parts that stay is kept.
    pub fn configure(&mut self, config: Config, now: Instant) {
        let names: BTreeSet<&String> = config.vrrp.iter().map(|v| &v.name).collect();
        self.instances.retain(|name, _| names.contains(name));
        for vrrp in &config.vrrp {
            let before = self.config.vrrp.iter().find(|old| old.name == vrrp.name);
            let instance = self.instances.entry(vrrp.name.clone());
            let instance = instance.or_insert_with(|| Instance::new(now));
            if before.is_some_and(|old| old.addresses != vrrp.addresses) {
                instance.announce_again();
            }
        }
        let subjects: BTreeSet<Subject> = config.services.iter().flat_map(subjects).collect();
        self.verdicts
            .retain(|subject, _| subjects.contains(subject));
        self.seen.retain(&subjects);
        self.history.configure(&subjects);
        self.orders.configure(&subjects);
        self.drains.configure(&config, &self.orders, now);
        self.tracking.configure(&config.vrrp);
        self.policies.configure(&config);
        self.subjects = subjects;
        self.config = config;
    }

    /// The interfaces that exist, all of them.
    pub fn set_links(&mut self, links: Vec<Link>) {
        let by_name = links.into_iter().map(|link| (link.name.clone(), link));
        let links = by_name.collect();
        if links != self.links {
            self.links = links;
            self.history.touch();
        }
    }

    #[must_use]
    pub const fn links(&self) -> &BTreeMap<String, Link> {
        &self.links
    }

    /// Addresses that an earlier daemon left on the interfaces: their services go on until it
    /// is clear who leads.
    pub fn inherit(&mut self, left: &[(u32, InterfaceAddress)]) {
        for instance in &self.config.vrrp {
            let ifindex = self.links.get(instance.device()).map(|link| link.index);
            let inherited = left.iter().any(|(index, address)| {
                Some(*index) == ifindex && instance.addresses.contains(address)
            });
            if let Some(state) = self.instances.get_mut(&instance.name)
                && inherited
            {
                state.inherit();
            }
        }
    }

    pub fn verdict(&mut self, verdict: Verdict) {
        // A check that was configured away may have had its last word under way.
        if self.subjects.contains(&verdict.subject) {
            self.history.touch();
            self.seen.take(&verdict);
            self.policies.observe(&verdict);
            self.verdicts.insert(verdict.subject, verdict.outcome);
        }
    }

    pub fn route(&mut self, host: IpAddr, route: Route) {
        if self.routes.get(&host) != Some(&route) {
            self.routes.insert(host, route);
            self.history.touch();
        }
    }

    /// A change in the kernel's neighbour table. An entry that the kernel dropped for want of
    /// use says nothing about the host, so its MAC stays.
    pub fn neighbour(&mut self, neighbour: &Neighbour) {
        let key = (neighbour.ifindex, neighbour.address);
        let before = self.neighbours.get(&key).copied();
        match neighbour.state {
            Resolution::Known(_) | Resolution::Fixed(_) => {
                if self.hosts().any(|host| host == neighbour.address) {
                    self.neighbours.insert(key, neighbour.state);
                }
            }
            Resolution::Failed => {
                self.neighbours.remove(&key);
            }
            Resolution::Unknown => {}
        }
        if self.neighbours.get(&key).copied() != before {
            self.history.touch();
        }
    }

    pub fn vrrp(&mut self, event: &vrrp::Event, now: Instant) {
        let instance = event.instance();
        if let Some(known) = instance.and_then(|name| self.instances.get_mut(name)) {
            known.event(event, now);
        }
    }

    /// The operator ended what a resignation did.
    pub fn claimed(&mut self, name: &str) {
        if let Some(instance) = self.instances.get_mut(name) {
            instance.resigned = false;
        }
    }

    #[must_use]
    pub const fn planes(&self) -> &Planes {
        &self.planes
    }

    /// To tell what became of the data planes, or which the operator wants.
    pub const fn planes_mut(&mut self) -> &mut Planes {
        &mut self.planes
    }

    /// Whether all instances have given up, and nothing is left to hand over.
    #[must_use]
    pub fn has_handed_over(&self) -> bool {
        let busy = |instance: &Instance| {
            let takes_part = matches!(instance.state, State::Backup | State::Master);
            takes_part || instance.serving != Serving::Idle
        };
        !self.instances.values().any(busy)
    }

    /// When time alone will change something next.
    #[must_use]
    pub fn next_timeout(&self, now: Instant) -> Option<Instant> {
        let waiting = self.instances.values().filter(|instance| !instance.started);
        let limits = waiting.map(|instance| instance.configured_at + READY_LIMIT);
        // An instance without a plane waits for longer, but not for a time.
        let limits = limits.filter(|limit| *limit > now);
        self.instances
            .values()
            .filter_map(Instance::fades_at)
            .chain(limits)
            .chain(self.drains.next_timeout(&self.orders))
            .chain(self.policies.next_timeout())
            .min()
    }

    pub fn expire(&mut self, now: Instant) {
        for instance in self.instances.values_mut() {
            if instance.expire(now) {
                self.history.touch();
            }
        }
        if self.drains.expire(&self.orders, now) {
            self.history.touch();
        }
        self.judge(now);
    }

    #[must_use]
    pub fn instance(&self, name: &str) -> Option<&Instance> {
        self.instances.get(name)
    }

    /// Names of the interfaces that carry the program: in the place of VLAN devices those below.
    #[must_use]
    pub fn interfaces(&self) -> BTreeSet<&str> {
        let of_instances = self.config.vrrp.iter().map(|vrrp| vrrp.interface.as_str());
        let named = self.config.global.interfaces.iter().map(String::as_str);
        let carrier = |name| {
            let link = self.links.get(name);
            link.map_or(name, |link| self.carrier(link).name.as_str())
        };
        of_instances.chain(named).map(carrier).collect()
    }

    /// One of [`Self::interfaces`] that does not exist.
    #[must_use]
    pub fn missing_interface(&self) -> Option<&str> {
        let mut interfaces = self.interfaces().into_iter();
        interfaces.find(|name| !self.links.contains_key(*name))
    }

    /// The addresses that shall be on this host, with their interface's index.
    #[must_use]
    pub fn addresses(&self) -> BTreeSet<(u32, InterfaceAddress)> {
        let of = |vrrp: &config::Instance| {
            let index = self.links.get(vrrp.device()).map(|link| link.index);
            let addresses = vrrp.addresses.clone();
            index.into_iter().flat_map(move |index| {
                let pairs = addresses.clone().into_iter();
                pairs.map(move |address| (index, address))
            })
        };
        self.config
            .vrrp
            .iter()
            .filter(|vrrp| self.holds(vrrp))
            .flat_map(of)
            .collect()
    }

    fn hosts(&self) -> impl Iterator<Item = IpAddr> {
        let servers = self.config.services.iter().flat_map(|s| &s.real_servers);
        let fallbacks = self.config.services.iter();
        let fallbacks = fallbacks.filter_map(|service| service.policy.fallback);
        servers.map(|server| server.address).chain(fallbacks)
    }

    /// Whether this director is the one that forwards a service's packets now.
    #[must_use]
    pub fn is_active(&self, service: &config::Service) -> bool {
        let instance = self.instances.get(&service.vrrp);
        instance.is_some_and(|instance| instance.serving != Serving::Idle)
    }

    /// Whether this director is MASTER of any instance.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.instances
            .values()
            .any(|i| i.serving == Serving::Master)
    }
}

fn subjects(service: &config::Service) -> Vec<Subject> {
    let subject = |server: &config::RealServer| Subject {
        service: service.name.clone(),
        real_server: server.address,
    };
    service.real_servers.iter().map(subject).collect()
}

#[cfg(test)]
mod tests;
