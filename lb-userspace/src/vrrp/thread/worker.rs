//! All instances and interfaces: who gets which command, datagram and timer.

use std::io;
use std::iter;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::lateness::Lateness;
use super::links::{Links, Snapshot};
use super::poll::{self, Waker};
use super::port::Port;
use super::router::{Emit, Hands, Router};
use super::timers::Timers;
use crate::vrrp::group::{Group, Member};
use crate::vrrp::machine::Cause;
use crate::vrrp::statistics::Registry;
use crate::vrrp::{Command, Event, State};

mod configure;
mod receive;

/// How often what does not work is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The largest VRRP message has 4,088 bytes, its IP header at most 60.
const DATAGRAM_LEN: usize = 8192;

/// What the thread owns.
pub(super) struct Worker {
    emit: Box<Emit>,
    registry: Arc<Registry>,
    lateness: Arc<Lateness>,
    links: Links,
    snapshot: Snapshot,
    routers: Vec<Router>,
    ports: Vec<Port>,
    groups: Vec<Grouped>,
    /// By router: its place among the groups.
    group_of: Vec<Option<usize>>,
    /// By router: whether its port counts it as MASTER.
    leading: Vec<bool>,
    timers: Timers,
    retry_at: Instant,
    /// The worst of the present round.
    overslept: Option<Duration>,
    buffer: Vec<u8>,
}

/// A sync group and the places of its members, in ascending order.
struct Grouped {
    group: Group,
    members: Vec<usize>,
}

impl Worker {
    pub(super) fn new(
        emit: Box<Emit>,
        registry: Arc<Registry>,
        lateness: Arc<Lateness>,
        links: Links,
        snapshot: Snapshot,
    ) -> Self {
        Self {
            emit,
            registry,
            lateness,
            links,
            retry_at: snapshot.taken + RETRY,
            snapshot,
            routers: Vec::new(),
            ports: Vec::new(),
            groups: Vec::new(),
            group_of: Vec::new(),
            leading: Vec::new(),
            timers: Timers::default(),
            overslept: None,
            buffer: vec![0; DATAGRAM_LEN],
        }
    }

    /// Waits until a timer expires, `waker` is called or something can be read.
    pub(super) fn wait(&self, waker: &Waker) -> io::Result<()> {
        let next = self.timers.next();
        let next = next.map_or(self.retry_at, |next| next.min(self.retry_at));
        let timeout = next.saturating_duration_since(Instant::now());
        let fds = self.sockets().map(|(_, fd)| fd);
        let fds: Vec<_> = iter::once(waker.as_fd()).chain(fds).collect();
        poll::wait(&fds, timeout).map(drop)
    }

    /// Breaks on [`Command::Exit`].
    pub(super) fn command(&mut self, command: Command, now: Instant) -> ControlFlow<()> {
        match command {
            Command::Configure { instances, groups } => self.configure(instances, &groups, now),
            Command::Start { instance } => self.with(&instance, now, Router::start),
            Command::Stop { instance } => self.with(&instance, now, |router, hands| {
                router.stop(Cause::NoPlane, hands);
            }),
            Command::Stand { instance, standing } => self.with(&instance, now, |router, hands| {
                router.stand(standing, hands);
            }),
            Command::Resign { instance } => self.with(&instance, now, Router::resign),
            Command::Claim { instance } => self.with(&instance, now, Router::claim),
            Command::Announce { instance } => {
                self.with(&instance, now, |router, _| router.announce(now));
            }
            Command::Shutdown => {
                for at in 0..self.routers.len() {
                    self.act(at, now, |router, hands| router.stop(Cause::Shutdown, hands));
                }
            }
            Command::Exit => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Takes in how the interfaces are now.
    pub(super) fn look(&mut self, now: Instant) {
        let retry = self.retry_at <= now;
        if retry {
            self.retry_at = now + RETRY;
        }
        let mut changed = false;
        if let Some(snapshot) = self.links.latest()
            // Else it is older than what a change of the configuration has seen.
            && snapshot.taken >= self.snapshot.taken
        {
            changed = snapshot.interfaces != self.snapshot.interfaces;
            self.snapshot = snapshot;
        }
        if changed || (retry && self.is_troubled()) {
            self.follow(now);
        }
    }

    /// Lets those timers run that have expired by `now`.
    pub(super) fn timers(&mut self, now: Instant) {
        // All are taken out first: one that is due again at once waits for the next round.
        let expired: Vec<_> = iter::from_fn(|| self.timers.expired(now)).collect();
        for (due, router) in expired {
            let late = Instant::now().saturating_duration_since(due);
            self.lateness.record(late);
            self.act(router, now, Router::timers);
        }
        if let Some(by) = self.overslept.take() {
            self.lateness.overslept();
            (self.emit)(Event::Overslept { by, at: now });
        }
    }

    /// Something cannot be used that might be there by now.
    fn is_troubled(&self) -> bool {
        self.ports.iter().any(|port| port.link.is_err())
            || self.routers.iter().any(|router| !router.is_seated())
    }

    fn with(
        &mut self,
        instance: &str,
        now: Instant,
        act: impl FnOnce(&mut Router, &mut Hands<'_>),
    ) {
        let mut routers = self.routers.iter();
        match routers.position(|router| router.config.name == instance) {
            Some(at) => self.act(at, now, act),
            None => warn!(instance, "command for an unknown VRRP instance"),
        }
    }

    /// Gives a router some input, and its group the chance to follow.
    fn act(&mut self, at: usize, now: Instant, act: impl FnOnce(&mut Router, &mut Hands<'_>)) {
        self.touch(at, now, act);
        if let Some(group) = self.group_of.get(at).copied().flatten() {
            self.settle(group, now);
        }
    }

    /// Makes the members of a group agree.
    fn settle(&mut self, group: usize, now: Instant) {
        let Grouped { group, members } = &mut self.groups[group];
        let routers = self.routers.iter_mut().enumerate();
        let routers = routers.filter(|(at, _)| members.binary_search(at).is_ok());
        let (places, mut machines): (Vec<_>, Vec<_>) = routers
            .map(|(at, router)| {
                let (name, machine) = (&router.config.name[..], &mut router.machine);
                (at, Member { name, machine })
            })
            .unzip();
        let settled = group.settle(&mut machines, now);
        for (member, effects) in settled {
            self.touch(places[member], now, |router, hands| {
                router.carry_out(effects, hands);
            });
        }
    }

    /// As [`Self::act`], for the router alone.
    fn touch(&mut self, at: usize, now: Instant, act: impl FnOnce(&mut Router, &mut Hands<'_>)) {
        let router = &mut self.routers[at];
        let port = self.ports.get_mut(router.port);
        let mut hands = Hands {
            link: port.as_ref().and_then(|port| port.link.as_ref().ok()),
            now,
            emit: &mut *self.emit,
            overslept: &mut self.overslept,
        };
        act(router, &mut hands);
        self.timers.set(at, router.next_timeout());
        let leads = router.machine.state() == State::Master;
        if let (Some(leading), Some(port)) = (self.leading.get_mut(at), port)
            && *leading != leads
        {
            *leading = leads;
            port.count_master(leads);
        }
    }
}
