//! All instances and interfaces: who gets which command, datagram and timer.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::groups::Groups;
use super::lateness::Lateness;
use super::poll::{self, Waker};
use super::port::{Port, Side};
use super::router::{Emit, Router};
use super::voice::Voice;
use crate::config::{Instance, SyncGroup};
use crate::vrrp::machine::Cause;
use crate::vrrp::statistics::{Entry, Registry};
use crate::vrrp::watch::Watch;
use crate::vrrp::{Command, interface, packet};

/// How often the interfaces are looked at, even if nothing is said of them.
const REFRESH: Duration = Duration::from_secs(1);
/// Between two looks because of what is said of them: a burst of changes must not make an
/// advertisement late.
const REST: Duration = Duration::from_millis(5);
/// Datagrams read from one socket before commands and timers get a turn: more than its buffer
/// holds, so that all that waited is read, and less than a flood.
const BATCH: usize = 1024;
/// The largest VRRP message has 4,088 bytes, an IPv4 header at most 60.
const DATAGRAM_LEN: usize = 4352;

/// What the thread owns.
pub(super) struct Worker {
    emit: Box<Emit>,
    registry: Arc<Registry>,
    lateness: Arc<Lateness>,
    routers: Vec<Router>,
    ports: BTreeMap<Side, Port>,
    groups: Groups,
    watch: Watch,
    refreshed: Instant,
    next_refresh: Instant,
}

impl Worker {
    pub(super) fn new(
        emit: Box<Emit>,
        registry: Arc<Registry>,
        lateness: Arc<Lateness>,
        now: Instant,
    ) -> io::Result<Self> {
        Ok(Self {
            emit,
            registry,
            lateness,
            routers: Vec::new(),
            ports: BTreeMap::new(),
            groups: Groups::default(),
            watch: Watch::open()?,
            refreshed: now,
            next_refresh: now + REFRESH,
        })
    }

    /// When [`Self::timers`] has something to do.
    pub(super) fn next_timeout(&self) -> Instant {
        let timers = self.routers.iter().filter_map(Router::next_timeout);
        timers.fold(self.next_refresh, Instant::min)
    }

    /// Waits until then, for a call of `waker` or for something to read.
    pub(super) fn wait(&self, waker: &Waker, until: Instant) -> io::Result<()> {
        let sockets = self.ports.values().flat_map(Port::sockets);
        let fds: Vec<_> = [waker.as_fd(), self.watch.as_fd()]
            .into_iter()
            .chain(sockets)
            .collect();
        let timeout = until.saturating_duration_since(Instant::now());
        poll::wait(&fds, timeout).map(drop)
    }

    /// Breaks on [`Command::Exit`].
    pub(super) fn command(&mut self, command: Command, now: Instant) -> ControlFlow<()> {
        match command {
            Command::Configure { instances, groups } => self.configure(instances, groups, now),
            Command::Start { instance } => {
                self.with(&instance, |router, emit| router.start(now, emit));
            }
            Command::Stop { instance } => {
                self.with(&instance, |router, emit| {
                    router.stop(Cause::NoPlane, now, emit);
                });
            }
            Command::Stand { instance, standing } => {
                self.with(&instance, |router, emit| router.stand(standing, now, emit));
            }
            Command::Resign { instance } => {
                self.with(&instance, |router, emit| router.resign(now, emit));
            }
            Command::Claim { instance } => {
                self.with(&instance, |router, emit| router.claim(now, emit));
            }
            Command::Announce { instance } => {
                self.with(&instance, |router, _| router.announce(now));
            }
            Command::Shutdown => {
                for router in &mut self.routers {
                    router.stop(Cause::Shutdown, now, &mut *self.emit);
                }
            }
            Command::Exit => return ControlFlow::Break(()),
        }
        self.settle(now);
        ControlFlow::Continue(())
    }

    /// Reads all that waits.
    pub(super) fn receive(&mut self, now: Instant) {
        if self.watch.clear() {
            self.next_refresh = self.next_refresh.min(now.max(self.refreshed + REST));
        }
        for (side, port) in &mut self.ports {
            let result = read(port, |port, buffer| {
                let Some((header, message)) = port.receive(buffer)? else {
                    port.counters.malformed.add();
                    return Ok(());
                };
                let Some(id) = packet::peek_virtual_router_id(message) else {
                    port.counters.malformed.add();
                    return Ok(());
                };
                match port.router(id).and_then(|at| self.routers.get_mut(at)) {
                    Some(router) => router.receive(&header, message, now, &mut *self.emit),
                    None => {
                        port.counters.unknown_vrid.add();
                        if let Some(suppressed) = port.stranger_log.allow(now) {
                            let (interface, source) = (&side.interface, header.source);
                            debug!(%interface, %source, id, suppressed, "of no virtual router here");
                        }
                    }
                }
                Ok(())
            });
            if let Err(error) = result {
                // Such as ENETDOWN, said once by the kernel: the refresh finds out the rest.
                warn!(interface = %side.interface, %error, "cannot receive");
            }
            let routers = &mut self.routers;
            let claims = read(port, |port, _| {
                if let Some(claim) = port.claim()? {
                    let here = |router: &&mut Router| Side::of(&router.config) == *side;
                    for router in routers.iter_mut().filter(here) {
                        router.hear_claim(claim, now, &mut *self.emit);
                    }
                }
                Ok(())
            });
            if let Err(error) = claims {
                debug!(interface = %side.interface, %error, "cannot listen for other claims");
            }
        }
        self.settle(now);
    }

    pub(super) fn timers(&mut self, now: Instant) {
        if self.next_refresh <= now {
            self.refresh(now);
        }
        for router in &mut self.routers {
            let Some(due) = router.next_timeout().filter(|due| *due <= now) else {
                continue;
            };
            self.lateness.note(now.saturating_duration_since(due));
            router.timers(now, &mut *self.emit);
        }
        self.settle(now);
    }

    fn configure(&mut self, instances: Vec<Instance>, groups: Vec<SyncGroup>, now: Instant) {
        let mut known = mem::take(&mut self.routers);
        // First those that go: a renamed instance gives up before its successor begins.
        for router in &mut known {
            if !instances.iter().any(|one| one.name == router.config.name) {
                router.leave(Cause::Removed, now, &mut *self.emit);
            }
        }
        for instance in instances {
            let name = &instance.name;
            let router = match known.iter().position(|one| one.config.name == *name) {
                Some(at) => {
                    let mut router = known.swap_remove(at);
                    router.reconfigure(instance, now, &mut *self.emit);
                    router
                }
                None => Router::new(instance),
            };
            self.routers.push(router);
        }
        self.groups
            .configure(groups, &mut self.routers, now, &mut *self.emit);
        self.enter_ports();
        self.refresh(now);
        self.settle(now);
        let entry = |router: &Router| {
            let port = self.ports.get(&Side::of(&router.config));
            Entry {
                instance: router.config.name.clone(),
                counters: Arc::clone(&router.counters),
                interface: port.map_or_else(Arc::default, |port| Arc::clone(&port.counters)),
            }
        };
        self.registry
            .replace(self.routers.iter().map(entry).collect());
    }

    /// Tells the ports who is there.
    fn enter_ports(&mut self) {
        self.ports.values_mut().for_each(Port::clear);
        let routers = &self.routers;
        let used = |side: &Side| routers.iter().any(|one| Side::of(&one.config) == *side);
        self.ports.retain(|side, _| used(side));
        for (place, router) in routers.iter().enumerate() {
            let side = Side::of(&router.config);
            let port = self.ports.entry(side.clone());
            let port = port.or_insert_with(|| Port::new(side));
            port.enter(&router.config, place);
        }
    }

    /// Looks at the interfaces, and lets each instance follow its own.
    fn refresh(&mut self, now: Instant) {
        self.refreshed = now;
        self.next_refresh = now + REFRESH;
        let interfaces = match interface::list() {
            Ok(interfaces) => interfaces,
            // What is open stays as it is; what is not is tried again with the next refresh.
            Err(error) => return warn!(%error, "cannot list the interfaces"),
        };
        let mut heard = BTreeMap::new();
        for (side, port) in &mut self.ports {
            let find = |one: &&interface::Interface| one.name == side.interface;
            let result = port.refresh(interfaces.iter().find(find));
            heard.insert(side.clone(), result);
        }
        let virtual_addresses = self.virtual_addresses();
        let is_virtual = |address| virtual_addresses.contains(&address);
        for router in &mut self.routers {
            let heard = heard.get(&Side::of(&router.config)).cloned();
            let find =
                |before, config: &Instance| Voice::follow(before, config, &interfaces, is_virtual);
            router.follow(heard.unwrap_or(Ok(())), find, now, &mut *self.emit);
        }
    }

    /// The addresses that may be on an interface without being its own. An owner's are its own.
    fn virtual_addresses(&self) -> Vec<IpAddr> {
        let virtual_routers = self.routers.iter().map(|router| &router.config);
        virtual_routers
            .filter(|config| config.priority.get() != u8::MAX)
            .flat_map(|config| config.addresses.iter().map(|one| one.address))
            .collect()
    }

    /// What follows from what the machines were given: in their groups, and for the listeners.
    fn settle(&mut self, now: Instant) {
        self.groups.settle(&mut self.routers, now, &mut *self.emit);
        for (side, port) in &mut self.ports {
            let here = |router: &&Router| Side::of(&router.config) == *side;
            let mut masters = self.routers.iter().filter(|router| router.is_master());
            let wanted = masters.any(|router| here(&router));
            if let Err(error) = port.listen(wanted) {
                debug!(interface = %side.interface, %error, "cannot listen for other claims");
            }
        }
    }

    fn with(&mut self, instance: &str, act: impl FnOnce(&mut Router, &mut Emit)) {
        let mut routers = self.routers.iter_mut();
        match routers.find(|router| router.config.name == instance) {
            Some(router) => act(router, &mut *self.emit),
            None => warn!(instance, "command for an unknown VRRP instance"),
        }
    }
}

/// Reads until nothing waits, or a batch was read.
fn read(
    port: &mut Port,
    mut one: impl FnMut(&mut Port, &mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = [0; DATAGRAM_LEN];
    for _ in 0..BATCH {
        match one(port, &mut buffer) {
            Ok(()) => (),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
