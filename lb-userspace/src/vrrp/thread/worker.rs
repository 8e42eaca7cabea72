//! All instances and interfaces: who gets which command, datagram and timer.

use std::collections::BTreeMap;
use std::io;
use std::iter;
use std::mem;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::poll::{self, Waker};
use super::port::{Link, Port};
use super::router::{Emit, Router};
use crate::config::Instance;
use crate::vrrp::machine::Cause;
use crate::vrrp::statistics::{Entry, Registry};
use crate::vrrp::{Command, interface, packet};

/// How often the interfaces are looked at.
const REFRESH: Duration = Duration::from_secs(1);
/// Datagrams read from one socket before commands and timers get a turn: more than its buffer
/// holds, so that all that waited is read, and less than a flood.
const BATCH: usize = 1024;
/// The largest VRRP message has 1,036 bytes, its IP header at most 60.
const DATAGRAM_LEN: usize = 2048;

/// What the thread owns.
pub(super) struct Worker {
    emit: Box<Emit>,
    registry: Arc<Registry>,
    routers: Vec<Router>,
    /// By interface name.
    ports: BTreeMap<String, Port>,
    next_refresh: Instant,
}

impl Worker {
    pub(super) fn new(emit: Box<Emit>, registry: Arc<Registry>, now: Instant) -> Self {
        Self {
            emit,
            registry,
            routers: Vec::new(),
            ports: BTreeMap::new(),
            next_refresh: now + REFRESH,
        }
    }

    /// When [`Self::timers`] has something to do.
    pub(super) fn next_timeout(&self) -> Instant {
        let timers = self.routers.iter().filter_map(Router::next_timeout);
        timers.fold(self.next_refresh, Instant::min)
    }

    /// Waits until then, for a call of `waker` or for datagrams; returns the interfaces that have
    /// some.
    pub(super) fn wait(&self, waker: &Waker, until: Instant) -> io::Result<Vec<String>> {
        let links = self.ports.iter().filter_map(|(name, port)| {
            let link = port.link.as_ref().ok()?;
            Some((name, link.receive.as_fd()))
        });
        let (names, sockets): (Vec<_>, Vec<_>) = links.unzip();
        let fds: Vec<_> = iter::once(waker.as_fd()).chain(sockets).collect();
        let timeout = until.saturating_duration_since(Instant::now());
        let ready = poll::wait(&fds, timeout)?;
        let ready = ready.into_iter().skip(1).zip(names);
        Ok(ready
            .filter(|(ready, _)| *ready)
            .map(|(_, name)| name.clone())
            .collect())
    }

    /// Breaks on [`Command::Exit`].
    pub(super) fn command(&mut self, command: Command, now: Instant) -> ControlFlow<()> {
        match command {
            Command::Configure { instances, .. } => self.configure(instances, now),
            Command::Start { instance } => {
                self.with(&instance, |router, link, emit| {
                    router.start(link, now, emit)
                });
            }
            Command::Stop { instance } => {
                self.with(&instance, |router, link, emit| {
                    router.stop(Cause::NoPlane, link, now, emit);
                });
            }
            Command::Stand { .. } | Command::Resign { .. } | Command::Claim { .. } => {}
            Command::Announce { instance } => {
                self.with(&instance, |router, _, _| router.announce(now));
            }
            Command::Shutdown => {
                for router in &mut self.routers {
                    let link = link(&self.ports, router);
                    router.stop(Cause::Shutdown, link, now, &mut *self.emit);
                }
            }
            Command::Exit => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Reads all datagrams that wait on an interface.
    pub(super) fn receive(&mut self, interface: &str, now: Instant) {
        let Some(port) = self.ports.get(interface) else {
            return;
        };
        let Ok(link) = &port.link else {
            return;
        };
        let mut buffer = [0; DATAGRAM_LEN];
        for _ in 0..BATCH {
            let datagram = match link.receive.receive(&mut buffer) {
                Ok(len) => &buffer[..len],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // Such as ENETDOWN, said once by the kernel: the refresh finds out the rest.
                    warn!(interface, %error, "cannot receive");
                    return;
                }
            };
            let Ok((header, message)) = packet::split_ipv4(datagram) else {
                port.counters.malformed.add();
                continue;
            };
            if header.source == IpAddr::from(link.source()) {
                continue;
            }
            let id = packet::peek_virtual_router_id(message);
            let router = self.routers.iter_mut().find(|router| {
                let config = &router.config;
                config.interface == interface && Some(config.virtual_router_id.get()) == id
            });
            match (router, id) {
                (Some(router), _) => {
                    router.receive(&header, message, link, now, &mut *self.emit);
                }
                (None, Some(_)) => port.counters.unknown_vrid.add(),
                (None, None) => port.counters.malformed.add(),
            }
        }
    }

    pub(super) fn timers(&mut self, now: Instant) {
        if self.next_refresh <= now {
            self.refresh(now);
        }
        for router in &mut self.routers {
            let link = link(&self.ports, router);
            router.timers(link, now, &mut *self.emit);
        }
    }

    fn configure(&mut self, instances: Vec<Instance>, now: Instant) {
        let mut known = mem::take(&mut self.routers);
        // First those that go: a renamed instance gives up before its successor begins.
        for router in &mut known {
            if !instances.iter().any(|one| one.name == router.config.name) {
                let link = link(&self.ports, router);
                router.leave(Cause::Removed, link, now, &mut *self.emit);
            }
        }
        for instance in instances {
            let name = &instance.name;
            let router = match known.iter().position(|one| one.config.name == *name) {
                Some(at) => {
                    let mut router = known.swap_remove(at);
                    let link = link(&self.ports, &router);
                    router.reconfigure(instance, link, now, &mut *self.emit);
                    router
                }
                None => Router::new(instance),
            };
            self.routers.push(router);
        }
        self.refresh(now);
        let entry = |router: &Router| {
            let port = self.ports.get(&router.config.interface);
            Entry {
                instance: router.config.name.clone(),
                counters: Arc::clone(&router.counters),
                interface: port.map_or_else(Arc::default, |port| Arc::clone(&port.counters)),
            }
        };
        self.registry
            .replace(self.routers.iter().map(entry).collect());
    }

    /// Looks at the interfaces, and lets each instance follow its own.
    fn refresh(&mut self, now: Instant) {
        self.next_refresh = now + REFRESH;
        let routers = &self.routers;
        self.ports
            .retain(|name, _| routers.iter().any(|one| one.config.interface == *name));
        for router in routers {
            let name = &router.config.interface;
            if !self.ports.contains_key(name) {
                self.ports.insert(name.clone(), Port::new(name.clone()));
            }
        }
        let virtual_addresses = self.virtual_addresses();
        match interface::list() {
            Ok(interfaces) => {
                for port in self.ports.values_mut() {
                    port.refresh(&interfaces, &virtual_addresses);
                }
            }
            // What is open stays as it is; what is not is tried again with the next refresh.
            Err(error) => warn!(%error, "cannot list the interfaces"),
        }
        for router in &mut self.routers {
            if let Some(port) = self.ports.get(&router.config.interface) {
                router.follow(port.link.as_ref(), now, &mut *self.emit);
            }
        }
    }

    /// The addresses that may be on an interface without being its own. An owner's are its own.
    fn virtual_addresses(&self) -> Vec<Ipv4Addr> {
        let virtual_routers = self.routers.iter().map(|router| &router.config);
        virtual_routers
            .filter(|config| config.priority.get() != u8::MAX)
            .flat_map(|config| config.addresses.iter())
            .filter_map(|one| match one.address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
            .collect()
    }

    fn with(&mut self, instance: &str, act: impl FnOnce(&mut Router, Option<&Link>, &mut Emit)) {
        let mut routers = self.routers.iter_mut();
        match routers.find(|router| router.config.name == instance) {
            Some(router) => {
                let link = link(&self.ports, router);
                act(router, link, &mut *self.emit);
            }
            None => warn!(instance, "command for an unknown VRRP instance"),
        }
    }
}

/// The sockets of a router's interface, if they are open.
fn link<'a>(ports: &'a BTreeMap<String, Port>, router: &Router) -> Option<&'a Link> {
    ports.get(&router.config.interface)?.link.as_ref().ok()
}
