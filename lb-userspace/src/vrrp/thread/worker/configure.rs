//! What a configuration makes of routers, ports and groups, and what the interfaces make of them.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use tracing::warn;

use super::{Grouped, Worker};
use crate::config::{Instance, SyncGroup};
use crate::vrrp::State;
use crate::vrrp::group::Group;
use crate::vrrp::machine::Cause;
use crate::vrrp::socket::receive::Tap;
use crate::vrrp::statistics::Entry;
use crate::vrrp::thread::links::Snapshot;
use crate::vrrp::thread::port::{Key, Port};
use crate::vrrp::thread::router::Router;

impl Worker {
    pub(super) fn configure(
        &mut self,
        instances: Vec<Instance>,
        groups: &[SyncGroup],
        now: Instant,
    ) {
        self.hand_over(&instances, now);
        let known = mem::take(&mut self.routers).into_iter();
        let mut known: HashMap<_, _> = known
            .map(|router| (router.config.name.clone(), router))
            .collect();
        let known_or_new = |instance: Instance| {
            let router = known.remove(&instance.name);
            router.unwrap_or_else(|| Router::new(instance))
        };
        self.routers = instances.into_iter().map(known_or_new).collect();
        self.place_ports();
        self.place_groups(groups, now);
        // The configuration may speak of a device that was made a moment ago.
        match Snapshot::take() {
            Ok(snapshot) => self.snapshot = snapshot,
            Err(error) => warn!(%error, "cannot list the interfaces"),
        }
        self.follow(now);
        self.register();
    }

    /// Lets every port and router follow its interface.
    pub(super) fn follow(&mut self, now: Instant) {
        let interfaces = mem::take(&mut self.snapshot.interfaces);
        for port in &mut self.ports {
            port.follow(&interfaces, &self.links);
        }
        let virtual_addresses = self.virtual_addresses();
        let is_virtual = |address| virtual_addresses.contains(&address);
        for at in 0..self.routers.len() {
            let port = self.ports.get(self.routers[at].port);
            let error = port.and_then(|port| port.link.as_ref().err().cloned());
            self.act(at, now, |router, hands| {
                let port = error.as_ref().map_or(Ok(()), Err);
                router.follow(port, &interfaces, is_virtual, hands);
            });
        }
        self.snapshot.interfaces = interfaces;
    }

    /// Tells the routers of the old configuration what becomes of them. Not by `act`: its groups
    /// are the old ones.
    fn hand_over(&mut self, instances: &[Instance], now: Instant) {
        let named: HashMap<_, _> = instances.iter().map(|one| (&one.name[..], one)).collect();
        let next = |router: &Router| named.get(&router.config.name[..]).copied();
        // First those that go: a renamed instance gives up before its successor begins.
        for at in 0..self.routers.len() {
            if next(&self.routers[at]).is_none() {
                self.touch(at, now, |router, hands| router.leave(Cause::Removed, hands));
            }
        }
        for at in 0..self.routers.len() {
            if let Some(instance) = next(&self.routers[at]) {
                let instance = instance.clone();
                self.touch(at, now, |router, hands| router.reconfigure(instance, hands));
            }
        }
    }

    /// One port for each interface and family, and each router at its port.
    fn place_ports(&mut self) {
        let known = mem::take(&mut self.ports).into_iter();
        let mut known: HashMap<_, _> = known.map(|port| (port.key.clone(), port)).collect();
        let mut places = HashMap::new();
        for (at, router) in self.routers.iter_mut().enumerate() {
            let config = &router.config;
            let key = Key {
                interface: config.interface.clone(),
                ipv6: config.is_ipv6(),
            };
            let ports = &mut self.ports;
            let place = *places.entry(key).or_insert_with_key(|key| {
                let mut port = known.remove(key).unwrap_or_else(|| Port::new(key.clone()));
                port.clear();
                ports.push(port);
                ports.len() - 1
            });
            router.port = place;
            let port = &mut ports[place];
            port.routers.insert(config.virtual_router_id.get(), at);
            let addresses = config.addresses.iter().map(|one| (one.address, at));
            port.addresses.extend(addresses);
            if config.unicast.is_none() {
                port.needs.group = true;
            }
            if config.virtual_mac.is_some() {
                port.needs.tap = Tap::Link;
            }
        }
        for port in known.into_values() {
            self.links.close(Box::new(port));
        }
        self.timers.clear();
        let leads = |router: &Router| router.machine.state() == State::Master;
        self.leading = self.routers.iter().map(leads).collect();
        for (place, port) in self.ports.iter_mut().enumerate() {
            let here = |router: &&Router| router.port == place && leads(router);
            port.set_masters(self.routers.iter().filter(here).count());
        }
    }

    fn place_groups(&mut self, groups: &[SyncGroup], now: Instant) {
        let known = mem::take(&mut self.groups).into_iter();
        let mut known: HashMap<_, _> = known
            .map(|one| (one.group.name().to_owned(), one.group))
            .collect();
        self.group_of = vec![None; self.routers.len()];
        for block in groups {
            let name = &block.name;
            let group = known.remove(name);
            let is_member = |(_, router): &(usize, &Router)| {
                let name = &router.config.name;
                block.instances.contains(name)
            };
            let routers = self.routers.iter().enumerate();
            let members: Vec<_> = routers.filter(is_member).map(|(at, _)| at).collect();
            for at in &members {
                self.group_of[*at] = Some(self.groups.len());
            }
            self.groups.push(Grouped {
                group: group.unwrap_or_else(|| Group::new(name.clone())),
                members,
            });
        }
        for at in 0..self.routers.len() {
            let grouped = self.group_of[at].is_some();
            self.touch(at, now, |router, hands| router.set_grouped(grouped, hands));
        }
    }

    fn register(&self) {
        let entry = |router: &Router| {
            let port = self.ports.get(router.port);
            Entry {
                instance: router.config.name.clone(),
                counters: Arc::clone(&router.counters),
                interface: port.map_or_else(Arc::default, |port| Arc::clone(&port.counters)),
            }
        };
        self.registry
            .replace(self.routers.iter().map(entry).collect());
    }

    /// The addresses that may be on an interface without being its own. An owner's are its own.
    fn virtual_addresses(&self) -> HashSet<IpAddr> {
        let virtual_routers = self.routers.iter().map(|router| &router.config);
        virtual_routers
            .filter(|config| !config.is_owner())
            .flat_map(|config| config.addresses.iter())
            .map(|one| one.address)
            .collect()
    }
}
