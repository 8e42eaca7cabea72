//! One instance: its machine, and whether it may take part.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::seat::Seat;
use crate::config::Instance;
use crate::vrrp::announce::Schedule;
use crate::vrrp::duplicates::Duplicates;
use crate::vrrp::limit::Limit;
use crate::vrrp::machine::{Cause, Machine};
use crate::vrrp::statistics::Counters;
use crate::vrrp::{Standing, State};

mod claims;
mod hands;
mod part;
mod receive;

pub(super) use hands::{Emit, Hands};
use part::settings;

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
}

fn addresses(config: &Instance) -> Vec<IpAddr> {
    config.addresses.iter().map(|one| one.address).collect()
}
