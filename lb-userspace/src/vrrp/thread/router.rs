//! One instance: its machine, and the hands that carry the machine's effects out.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use tracing::warn;

use super::port::Link;
use crate::config::Instance;
use crate::vrrp::announce::Schedule;
use crate::vrrp::limit::Limit;
use crate::vrrp::machine::{Cause, Effect, Machine, Settings};
use crate::vrrp::packet::{self, Advertisement, Expected, Header};
use crate::vrrp::statistics::Counters;
use crate::vrrp::{Event, State};

/// Where events go.
pub(super) type Emit = dyn FnMut(Event) + Send;

/// A virtual router on this director.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) config: Instance,
    pub(super) counters: Arc<Counters>,
    machine: Machine,
    announcements: Schedule,
    /// Shall take part whenever its interface can be used.
    started: bool,
    /// Reported last.
    failure: Option<String>,
    decode_log: Limit,
    send_log: Limit,
}

impl Router {
    pub(super) fn new(config: Instance) -> Self {
        Self {
            machine: Machine::new(settings(&config, Ipv4Addr::UNSPECIFIED)),
            announcements: Schedule::new(config.garp),
            counters: Arc::default(),
            started: false,
            failure: None,
            decode_log: Limit::default(),
            send_log: Limit::default(),
            config,
        }
    }

    /// Takes another configuration of the same name.
    pub(super) fn reconfigure(
        &mut self,
        config: Instance,
        link: Option<&Link>,
        now: Instant,
        emit: &mut Emit,
    ) {
        if self.config == config {
            return;
        }
        let identity = |config: &Instance| {
            let id = config.virtual_router_id;
            (config.interface.clone(), id, config.version)
        };
        if identity(&self.config) != identity(&config) {
            self.leave(Cause::Replaced, link, now, emit);
            let started = self.started;
            *self = Self::new(config);
            self.started = started;
            return;
        }
        self.announcements.reconfigure(config.garp, now);
        self.config = config;
        self.resettle(link, now, emit);
    }

    /// Follows the state of the interface: `Err` says why it cannot be used.
    pub(super) fn follow(&mut self, link: Result<&Link, &String>, now: Instant, emit: &mut Emit) {
        match link {
            Ok(link) => {
                self.failure = None;
                self.resettle(Some(link), now, emit);
                if self.started {
                    let effects = self.machine.startup(now);
                    self.carry_out(effects, Some(link), now, emit);
                }
            }
            Err(error) => {
                let effects = self.machine.fault(Cause::InterfaceLost, now);
                self.carry_out(effects, None, now, emit);
                if self.failure.as_ref() != Some(error) {
                    self.failure = Some(error.clone());
                    emit(Event::Failed {
                        instance: self.config.name.clone(),
                        error: error.clone(),
                    });
                }
            }
        }
    }

    pub(super) fn start(&mut self, link: Option<&Link>, now: Instant, emit: &mut Emit) {
        self.started = true;
        if let Some(link) = link {
            self.follow(Ok(link), now, emit);
        }
    }

    /// Stops taking part, until it is started again.
    pub(super) fn stop(
        &mut self,
        cause: Cause,
        link: Option<&Link>,
        now: Instant,
        emit: &mut Emit,
    ) {
        self.started = false;
        self.leave(cause, link, now, emit);
    }

    pub(super) fn leave(
        &mut self,
        cause: Cause,
        link: Option<&Link>,
        now: Instant,
        emit: &mut Emit,
    ) {
        let effects = self.machine.shutdown(cause, now);
        self.carry_out(effects, link, now, emit);
    }

    pub(super) fn announce(&mut self, now: Instant) {
        if self.machine.state() == State::Master {
            self.announcements.start(now);
        }
    }

    /// A message for this virtual router that came in on its interface.
    pub(super) fn receive(
        &mut self,
        header: &Header,
        message: &[u8],
        link: &Link,
        now: Instant,
        emit: &mut Emit,
    ) {
        let expected = Expected {
            version: self.config.version,
            virtual_router_id: self.config.virtual_router_id,
            interval: self.config.advert_interval,
            auth: self.config.auth,
            peers: None,
            ttl: 255..=255,
        };
        match packet::parse(header, message, &expected) {
            Ok(received) => {
                self.counters.count_received(received.checksum);
                let ours: Vec<_> = self
                    .config
                    .addresses
                    .iter()
                    .map(|one| one.address)
                    .collect();
                for warning in received.warnings(self.config.advert_interval, &ours) {
                    self.counters.count_warning(&warning);
                }
                let advertisement = &received.advertisement;
                let effects = self.machine.receive(advertisement, header.source, now);
                self.carry_out(effects, Some(link), now, emit);
            }
            Err(error) => {
                self.counters.count_error(&error);
                if let Some(suppressed) = self.decode_log.allow(now) {
                    let (instance, source) = (&self.config.name, header.source);
                    warn!(%instance, %source, %error, suppressed, "advertisement dropped");
                }
            }
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let timeouts = [
            self.machine.next_timeout(),
            self.announcements.next_timeout(),
        ];
        timeouts.into_iter().flatten().min()
    }

    pub(super) fn timers(&mut self, link: Option<&Link>, now: Instant, emit: &mut Emit) {
        let effects = self.machine.tick(now);
        self.carry_out(effects, link, now, emit);
        if let (true, Some(link)) = (self.announcements.due(now), link) {
            let mut failed = None;
            for address in &self.config.addresses {
                match link.arp.announce(v4(address.address)) {
                    Ok(()) => self.counters.announced.add(),
                    Err(error) => failed = Some(error),
                }
            }
            if let Some(error) = failed {
                self.send_failed(&error, now);
            }
        }
    }

    /// Gives the machine what is configured now and the interface's address.
    fn resettle(&mut self, link: Option<&Link>, now: Instant, emit: &mut Emit) {
        let address = link.map_or(Ipv4Addr::UNSPECIFIED, Link::source);
        let settings = settings(&self.config, address);
        let effects = self.machine.reconfigure(settings, now);
        self.carry_out(effects, link, now, emit);
    }

    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        link: Option<&Link>,
        now: Instant,
        emit: &mut Emit,
    ) {
        for effect in effects {
            let instance = self.config.name.clone();
            match effect {
                Effect::SendAdvertisement { priority } => {
                    if let Some(link) = link {
                        self.advertise(priority, link, now);
                    }
                }
                Effect::StateChanged { to, cause, .. } => {
                    if to != State::Master {
                        self.announcements.stop();
                    }
                    emit(Event::State {
                        instance,
                        state: to,
                        priority: self.config.priority.get(),
                        cause,
                        at: now,
                    });
                }
                Effect::LeaderHeard { source, priority } => emit(Event::LeaderHeard {
                    instance,
                    source,
                    priority,
                    at: now,
                }),
                Effect::RivalHeard { source, priority } => emit(Event::Rival {
                    instance,
                    own: link.map_or(Ipv4Addr::UNSPECIFIED, Link::source).into(),
                    source,
                    priority,
                    at: now,
                }),
                Effect::RivalGone { source, lasted } => emit(Event::RivalGone {
                    instance,
                    source,
                    lasted,
                    at: now,
                }),
                Effect::LowerPriorityHeard => self.announcements.lower_priority_heard(now),
                Effect::Overslept { by } => emit(Event::Overslept { by, at: now }),
            }
        }
    }

    fn advertise(&mut self, priority: u8, link: &Link, now: Instant) {
        let config = &self.config;
        let advertisement = Advertisement {
            version: config.version,
            virtual_router_id: config.virtual_router_id,
            priority,
            interval: config.advert_interval,
            addresses: config.addresses.iter().map(|one| one.address).collect(),
            auth: config.auth,
        };
        let message = packet::emit(
            &advertisement,
            config.checksum,
            link.source().into(),
            packet::GROUP_V4.into(),
        );
        match link.send.send(&message) {
            Ok(()) => self.counters.sent.add(),
            Err(error) => self.send_failed(&error, now),
        }
    }

    fn send_failed(&mut self, error: &io::Error, now: Instant) {
        self.counters.send_errors.add();
        if let Some(suppressed) = self.send_log.allow(now) {
            let instance = &self.config.name;
            warn!(%instance, %error, suppressed, "cannot send");
        }
    }
}

fn settings(config: &Instance, address: Ipv4Addr) -> Settings {
    Settings {
        version: config.version,
        priority: config.priority,
        owner: config.priority.get() == u8::MAX,
        interval: config.advert_interval,
        preempt: config.preempt,
        address: address.into(),
    }
}

fn v4(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(address) => address,
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    }
}
