//! One instance: its machine, and the hands that carry the machine's effects out.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::warn;

use super::voice::Voice;
use crate::config::Instance;
use crate::dataplane::table::Mac;
use crate::vrrp::announce::Schedule;
use crate::vrrp::duplicates::{Duplicates, Gone};
use crate::vrrp::frame::Claim;
use crate::vrrp::limit::Limit;
use crate::vrrp::machine::{Cause, Effect, Machine, Settings};
use crate::vrrp::packet::{self, Advertisement, Expected, Header};
use crate::vrrp::statistics::Counters;
use crate::vrrp::{Event, Standing, State};

mod claims;

/// Where events go.
pub(super) type Emit = dyn FnMut(Event) + Send;

const OWNER: u8 = 255;

/// A virtual router on this director.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) config: Instance,
    pub(super) counters: Arc<Counters>,
    pub(super) machine: Machine,
    /// Or why it cannot be used.
    voice: Result<Voice, String>,
    announcements: Schedule,
    duplicates: Duplicates,
    standing: Standing,
    /// Shall take part whenever nothing is in the way.
    started: bool,
    /// Not before then, see [`Instance::startup_delay`].
    delayed: Option<Instant>,
    /// Reported last.
    failure: Option<String>,
    decode_log: Limit,
    warning_log: Limit,
    send_log: Limit,
}

impl Router {
    pub(super) fn new(config: Instance) -> Self {
        let standing = Standing::default();
        let address = Ipv4Addr::UNSPECIFIED.into();
        Self {
            machine: Machine::new(settings(&config, &standing, address)),
            announcements: Schedule::new(config.garp),
            duplicates: Duplicates::default(),
            counters: Arc::default(),
            voice: Err(format!(
                "interface {} was not looked at yet",
                config.interface
            )),
            standing,
            started: false,
            delayed: None,
            failure: None,
            decode_log: Limit::default(),
            warning_log: Limit::default(),
            send_log: Limit::default(),
            config,
        }
    }

    /// Takes another configuration of the same name.
    pub(super) fn reconfigure(&mut self, config: Instance, now: Instant, emit: &mut Emit) {
        if self.config == config {
            return;
        }
        let identity = |config: &Instance| {
            let id = config.virtual_router_id;
            let unicast = config.unicast.is_some();
            let place = (config.interface.clone(), config.is_ipv6(), unicast);
            (place, id, config.version)
        };
        if identity(&self.config) != identity(&config) {
            self.leave(Cause::Replaced, now, emit);
            let (started, standing) = (self.started, self.standing.clone());
            *self = Self::new(config);
            (self.started, self.standing) = (started, standing);
            return;
        }
        self.announcements.reconfigure(config.garp, now);
        let reopened =
            self.config.unicast != config.unicast || self.config.virtual_mac != config.virtual_mac;
        self.config = config;
        if reopened {
            self.voice = Err("its sockets are opened anew".to_owned());
        } else {
            self.resettle(now, emit);
        }
    }

    /// Follows the interfaces: opens, reopens or closes its sockets. `heard`: whether it can
    /// receive.
    pub(super) fn follow(
        &mut self,
        heard: Result<(), String>,
        find: impl FnOnce(Option<Voice>, &Instance) -> Result<Voice, String>,
        now: Instant,
        emit: &mut Emit,
    ) {
        let before = std::mem::replace(&mut self.voice, Err(String::new()));
        let was_usable = before.is_ok();
        self.voice = heard.and_then(|()| find(before.ok(), &self.config));
        match &self.voice {
            Ok(_) => {
                if !was_usable {
                    self.delay(now);
                    self.failure = None;
                }
                self.resettle(now, emit);
            }
            Err(error) => {
                if self.failure.as_ref() != Some(error) {
                    self.failure = Some(error.clone());
                    emit(Event::Failed {
                        instance: self.config.name.clone(),
                        error: error.clone(),
                    });
                }
            }
        }
        self.take_part(now, emit);
    }

    pub(super) fn start(&mut self, now: Instant, emit: &mut Emit) {
        if !self.started {
            self.started = true;
            self.delay(now);
        }
        self.take_part(now, emit);
    }

    /// Stops taking part, until it is started again.
    pub(super) fn stop(&mut self, cause: Cause, now: Instant, emit: &mut Emit) {
        self.started = false;
        self.leave(cause, now, emit);
    }

    pub(super) fn leave(&mut self, cause: Cause, now: Instant, emit: &mut Emit) {
        let effects = self.machine.shutdown(cause, now);
        self.carry_out(effects, now, emit);
    }

    pub(super) fn stand(&mut self, standing: Standing, now: Instant, emit: &mut Emit) {
        self.standing = standing;
        self.resettle(now, emit);
        self.take_part(now, emit);
    }

    pub(super) fn resign(&mut self, now: Instant, emit: &mut Emit) {
        let effects = self.machine.resign(now);
        self.carry_out(effects, now, emit);
    }

    pub(super) fn claim(&mut self, now: Instant, emit: &mut Emit) {
        let effects = self.machine.claim(now);
        self.carry_out(effects, now, emit);
    }

    pub(super) fn announce(&mut self, now: Instant) {
        if self.is_master() {
            self.announcements.start(now);
        }
    }

    pub(super) fn is_master(&self) -> bool {
        self.machine.state() == State::Master
    }

    /// A message for this virtual router that came in on its interface.
    pub(super) fn receive(
        &mut self,
        header: &Header,
        message: &[u8],
        now: Instant,
        emit: &mut Emit,
    ) {
        if self
            .voice
            .as_ref()
            .is_ok_and(|voice| voice.source() == header.source)
        {
            return;
        }
        let unicast = self.config.unicast.as_ref();
        let expected = Expected {
            version: self.config.version,
            virtual_router_id: self.config.virtual_router_id,
            interval: self.config.advert_interval,
            auth: self.config.auth,
            peers: unicast.map(|unicast| &unicast.peers[..]),
            ttl: unicast.map_or(255..=255, |unicast| unicast.accepted_ttl.clone()),
        };
        match packet::parse(header, message, &expected) {
            Ok(received) => {
                self.counters.count_received(received.checksum);
                let ours: Vec<IpAddr> = self.addresses().collect();
                for warning in received.warnings(self.config.advert_interval, &ours) {
                    self.counters.count_warning(&warning);
                    if let Some(suppressed) = self.warning_log.allow(now) {
                        let (instance, source) = (&self.config.name, header.source);
                        warn!(%instance, %source, suppressed, "odd advertisement: {warning}");
                    }
                }
                let advertisement = &received.advertisement;
                let effects = self.machine.receive(advertisement, header.source, now);
                self.carry_out(effects, now, emit);
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
            self.duplicates.next_timeout(),
            self.delayed,
        ];
        timeouts.into_iter().flatten().min()
    }

    pub(super) fn timers(&mut self, now: Instant, emit: &mut Emit) {
        if self.delayed.is_some_and(|until| until <= now) {
            self.delayed = None;
            self.take_part(now, emit);
        }
        let effects = self.machine.tick(now);
        self.carry_out(effects, now, emit);
        if self.announcements.due(now) {
            self.each_address(now, Voice::announce);
        }
        self.duplicate_timers(now, emit);
    }

    /// Takes part in the election, or not, as far as it is not in a group.
    fn take_part(&mut self, now: Instant, emit: &mut Emit) {
        let effects = match (&self.voice, &self.standing.fault) {
            (Err(_), _) => self.machine.fault(Cause::InterfaceLost, now),
            (Ok(_), Some(fault)) => self.machine.fault(Cause::Tracked(fault.clone()), now),
            (Ok(_), None) if self.started && self.delayed.is_none() => self.machine.startup(now),
            (Ok(_), None) => Vec::new(),
        };
        self.carry_out(effects, now, emit);
    }

    fn delay(&mut self, now: Instant) {
        let delay = self.config.startup_delay;
        self.delayed = (delay > Duration::ZERO).then(|| now + delay);
    }

    /// Gives the machine what is configured and tracked now and the interface's address.
    fn resettle(&mut self, now: Instant, emit: &mut Emit) {
        let Ok(voice) = &self.voice else {
            return;
        };
        let settings = settings(&self.config, &self.standing, voice.source());
        let effects = self.machine.reconfigure(settings, now);
        self.carry_out(effects, now, emit);
    }

    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, now: Instant, emit: &mut Emit) {
        for effect in effects {
            let instance = self.config.name.clone();
            match effect {
                Effect::SendAdvertisement { priority } => self.advertise(priority, now),
                Effect::StateChanged { to, cause, .. } => {
                    if to == State::Master {
                        self.duplicates.watch(now);
                    } else {
                        self.announcements.stop();
                        let gone = self.duplicates.stop(now);
                        self.duplicates_gone(gone, now, emit);
                    }
                    emit(Event::State {
                        instance,
                        state: to,
                        priority: self.machine.priority(),
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
                    own: self.source(),
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

    fn source(&self) -> IpAddr {
        let unknown = Ipv4Addr::UNSPECIFIED.into();
        self.voice.as_ref().map_or(unknown, Voice::source)
    }

    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.config.addresses.iter().map(|one| one.address)
    }

    fn advertise(&mut self, priority: u8, now: Instant) {
        let Ok(voice) = &self.voice else {
            return;
        };
        let config = &self.config;
        let advertisement = Advertisement {
            version: config.version,
            virtual_router_id: config.virtual_router_id,
            priority,
            interval: config.advert_interval,
            addresses: self.addresses().collect(),
            auth: config.auth,
        };
        let sent = voice.advertise(|source, destination| {
            packet::emit(&advertisement, config.checksum, source, destination)
        });
        match sent {
            Ok(()) => self.counters.sent.add(),
            Err(error) => self.send_failed(&error, now),
        }
    }

    /// Sends something for each virtual address.
    fn each_address(&mut self, now: Instant, send: impl Fn(&Voice, IpAddr) -> io::Result<()>) {
        let Ok(voice) = &self.voice else {
            return;
        };
        let mut failed = None;
        for address in self.addresses() {
            match send(voice, address) {
                Ok(()) => self.counters.announced.add(),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            self.send_failed(&error, now);
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

fn settings(config: &Instance, standing: &Standing, address: IpAddr) -> Settings {
    let owner = config.priority.get() == OWNER;
    let adjusted = i16::from(config.priority.get()).saturating_add(standing.adjustment);
    let adjusted = u8::try_from(adjusted.clamp(1, 254)).ok();
    let priority = adjusted
        .and_then(std::num::NonZeroU8::new)
        .filter(|_| !owner);
    Settings {
        version: config.version,
        priority: priority.unwrap_or(config.priority),
        owner,
        interval: config.advert_interval,
        preempt: config.preempt,
        address,
    }
}
