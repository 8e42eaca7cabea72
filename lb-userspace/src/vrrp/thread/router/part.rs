//! Whether a router may take part, and at what priority.

use std::net::IpAddr;

use super::super::seat::Seat;
use super::{Hands, Router};
use crate::config::Instance;
use crate::vrrp::interface::Interfaces;
use crate::vrrp::machine::{Cause, Settings};
use crate::vrrp::{Event, Standing, State};

impl Router {
    /// Follows the state of its interface, `Err` says why that cannot be used, and of the others.
    pub(in crate::vrrp::thread) fn follow(
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

    /// Lets it take part, or not, as all that it depends on is now.
    pub(super) fn settle(&mut self, hands: &mut Hands<'_>) {
        self.resettle(hands);
        self.begin_at = None;
        if let Err(error) = &self.seat {
            let error = error.clone();
            if self.started.is_some() {
                let effects = self.machine.fault(Cause::InterfaceLost, hands.now);
                if !effects.is_empty() {
                    // News of the state take back what was said before.
                    self.failure = None;
                }
                self.carry_out(effects, hands);
            }
            self.fail(error, hands);
            return;
        }
        let Some(started) = self.started else {
            self.failure = None;
            return;
        };
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
    pub(super) fn resettle(&mut self, hands: &mut Hands<'_>) {
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

pub(super) fn settings(config: &Instance, standing: &Standing, address: IpAddr) -> Settings {
    Settings {
        version: config.version,
        priority: config.adjusted_priority(standing.adjustment),
        owner: config.is_owner(),
        interval: config.advert_interval,
        preempt: config.preempt,
        address,
    }
}
