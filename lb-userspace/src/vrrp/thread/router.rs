//! One instance: its machine, and whether it may take part.

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Instant;

use super::seat::Seat;
use crate::config::Instance;
use crate::vrrp::announce::Schedule;
use crate::vrrp::duplicates::Duplicates;
use crate::vrrp::interface::Interfaces;
use crate::vrrp::limit::Limit;
use crate::vrrp::machine::{Cause, Machine, Settings};
use crate::vrrp::statistics::Counters;
use crate::vrrp::{Event, Standing, State};

mod claims;
mod hands;
mod receive;

pub(super) use hands::{Emit, Hands};

/// A virtual router on this director.
#[derive(Debug)]
pub(super) struct Router {
    pub(super) config: Instance,
    pub(super) counters: Arc<Counters>,
    pub(super) machine: Machine,
    grouped: bool,
    /// Its place among the ports.
    pub(super) port: usize,
    /// The configured ones.
    addresses: Vec<IpAddr>,
    /// Or why it cannot send.
    seat: Result<Seat, String>,
    announcements: Schedule,
    /// The daemon has asked for announcements since it became MASTER.
    announcing: bool,
    duplicates: Duplicates,
    standing: Standing,
    /// Shall take part whenever it can, since then.
    started: Option<Instant>,
    /// It can send since then.
    seated: Option<Instant>,
    /// While it waits for `startup_delay`.
    begin_at: Option<Instant>,
    /// Reported last.
    failure: Option<String>,
    decode_log: Limit,
    warning_log: Limit,
    send_log: Limit,
}

impl Router {
    pub(super) fn new(config: Instance) -> Self {
        let nowhere = if config.is_ipv6() {
            IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)
        } else {
            IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)
        };
        let standing = Standing::default();
        Self {
            machine: Machine::new(settings(&config, &standing, nowhere)),
            addresses: addresses(&config),
            announcements: Schedule::new(config.garp),
            announcing: false,
            duplicates: Duplicates::default(),
            counters: Arc::default(),
            grouped: false,
            port: 0,
            seat: Err("its interface was not looked at yet".to_owned()),
            standing,
            started: None,
            seated: None,
            begin_at: None,
            failure: None,
            decode_log: Limit::default(),
            warning_log: Limit::default(),
            send_log: Limit::default(),
            config,
        }
    }

    /// Takes another configuration of the same name.
    pub(super) fn reconfigure(&mut self, config: Instance, hands: &mut Hands<'_>) {
        if self.config == config {
            return;
        }
        let same = |a: &Instance, b: &Instance| {
            a.interface == b.interface
                && a.virtual_router_id == b.virtual_router_id
                && a.version == b.version
                && a.is_ipv6() == b.is_ipv6()
                && a.unicast.is_some() == b.unicast.is_some()
        };
        if !same(&self.config, &config) {
            self.leave(Cause::Replaced, hands);
            let (started, standing) = (self.started, std::mem::take(&mut self.standing));
            *self = Self::new(config);
            self.started = started;
            self.standing = standing;
            return;
        }
        self.announcements.reconfigure(config.garp, hands.now);
        self.addresses = addresses(&config);
        self.config = config;
        self.resettle(hands);
    }

    /// Follows the state of its interface, `Err` says why that cannot be used, and of the others.
    pub(super) fn follow(
        &mut self,
        port: Result<(), &String>,
        interfaces: &Interfaces,
        is_virtual: impl Fn(IpAddr) -> bool,
        hands: &mut Hands<'_>,
    ) {
        let unknown = Err(String::new());
        let before = std::mem::replace(&mut self.seat, unknown).ok();
        let place = before.as_ref().map(Seat::place);
        self.seat = match port {
            Ok(()) => Seat::take(before, &self.config, interfaces, is_virtual),
            Err(error) => Err(error.clone()),
        };
        match &self.seat {
            Ok(seat) => {
                self.seated.get_or_insert(hands.now);
                if self.announcing && place.is_some_and(|place| place != seat.place()) {
                    self.announcements.start(hands.now);
                }
            }
            Err(_) => self.seated = None,
        }
        self.settle(hands);
    }

    pub(super) fn is_seated(&self) -> bool {
        self.seat.is_ok()
    }

    pub(super) fn start(&mut self, hands: &mut Hands<'_>) {
        self.started.get_or_insert(hands.now);
        self.settle(hands);
    }

    /// Stops taking part, until it is started again.
    pub(super) fn stop(&mut self, cause: Cause, hands: &mut Hands<'_>) {
        self.started = None;
        self.begin_at = None;
        self.leave(cause, hands);
    }

    pub(super) fn leave(&mut self, cause: Cause, hands: &mut Hands<'_>) {
        let effects = self.machine.shutdown(cause, hands.now);
        self.carry_out(effects, hands);
    }

    pub(super) fn stand(&mut self, standing: Standing, hands: &mut Hands<'_>) {
        self.standing = standing;
        self.settle(hands);
    }

    pub(super) fn resign(&mut self, hands: &mut Hands<'_>) {
        let effects = self.machine.resign(hands.now);
        self.carry_out(effects, hands);
    }

    pub(super) fn claim(&mut self, hands: &mut Hands<'_>) {
        let effects = self.machine.claim(hands.now);
        self.carry_out(effects, hands);
    }

    pub(super) fn set_grouped(&mut self, grouped: bool, hands: &mut Hands<'_>) {
        if std::mem::replace(&mut self.grouped, grouped) == grouped {
            return;
        }
        let effects = self.machine.set_grouped(grouped, hands.now);
        self.carry_out(effects, hands);
    }

    pub(super) fn announce(&mut self, now: Instant) {
        if self.machine.state() == State::Master {
            self.announcing = true;
            self.announcements.start(now);
        }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let timeouts = [
            self.machine.next_timeout(),
            self.announcements.next_timeout(),
            self.duplicates.next_timeout(),
            self.begin_at,
        ];
        timeouts.into_iter().flatten().min()
    }

    pub(super) fn timers(&mut self, hands: &mut Hands<'_>) {
        let effects = self.machine.tick(hands.now);
        self.carry_out(effects, hands);
        if self.begin_at.is_some_and(|at| at <= hands.now) {
            self.settle(hands);
        }
        if self.announcements.due(hands.now) {
            self.announce_all(hands);
        }
        self.search_duplicates(hands);
    }

    /// Lets it take part, or not, as all that it depends on is now.
    fn settle(&mut self, hands: &mut Hands<'_>) {
        self.resettle(hands);
        self.begin_at = None;
        let Some(started) = self.started else {
            return;
        };
        if let Err(error) = &self.seat {
            let error = error.clone();
            let effects = self.machine.fault(Cause::InterfaceLost, hands.now);
            self.carry_out(effects, hands);
            self.fail(error, hands);
            return;
        }
        if let Some(fault) = &self.standing.fault {
            let cause = Cause::Tracked(fault.clone());
            let effects = self.machine.fault(cause, hands.now);
            self.carry_out(effects, hands);
            self.failure = None;
            return;
        }
        let since = self.seated.map_or(started, |seated| seated.max(started));
        let begin_at = since + self.config.startup_delay;
        let waits = matches!(self.machine.state(), State::Initialize | State::Fault);
        if waits && hands.now < begin_at {
            self.begin_at = Some(begin_at);
            let delay = self.config.startup_delay;
            self.fail(format!("waits for `startup_delay`, {delay:?}"), hands);
            return;
        }
        self.failure = None;
        let effects = self.machine.startup(hands.now);
        self.carry_out(effects, hands);
    }

    /// Gives the machine what counts now.
    fn resettle(&mut self, hands: &mut Hands<'_>) {
        let source = self.seat.as_ref().map(Seat::source);
        let address = source.unwrap_or_else(|_| self.machine.address());
        let settings = settings(&self.config, &self.standing, address);
        let effects = self.machine.reconfigure(settings, hands.now);
        self.carry_out(effects, hands);
    }

    /// Reports why it cannot take part, once.
    fn fail(&mut self, error: String, hands: &mut Hands<'_>) {
        if self.failure.as_ref() != Some(&error) {
            self.failure = Some(error.clone());
            let instance = self.config.name.clone();
            (hands.emit)(Event::Failed { instance, error });
        }
    }
}

fn addresses(config: &Instance) -> Vec<IpAddr> {
    config.addresses.iter().map(|one| one.address).collect()
}

fn settings(config: &Instance, standing: &Standing, address: IpAddr) -> Settings {
    Settings {
        version: config.version,
        priority: effective(config.priority, standing.adjustment),
        owner: config.priority == NonZeroU8::MAX,
        interval: config.advert_interval,
        preempt: config.preempt,
        address,
    }
}

/// The priority that counts: within 1 to 254, but for an owner.
fn effective(configured: NonZeroU8, adjustment: i16) -> NonZeroU8 {
    if configured == NonZeroU8::MAX {
        return configured;
    }
    let sum = i16::from(configured.get()).saturating_add(adjustment);
    let within = u8::try_from(sum.clamp(1, 254)).ok();
    within.and_then(NonZeroU8::new).unwrap_or(configured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_with_tracking_stays_within_bounds() {
        let priority = |configured, adjustment| {
            effective(NonZeroU8::new(configured).unwrap(), adjustment).get()
        };
        assert_eq!(priority(100, 0), 100);
        assert_eq!(priority(100, -30), 70);
        assert_eq!(priority(100, 30), 130);
        assert_eq!(priority(100, i16::MIN), 1);
        assert_eq!(priority(100, i16::MAX), 254);
        assert_eq!(priority(254, 1), 254);
        assert_eq!(priority(255, -100), 255);
    }
}
