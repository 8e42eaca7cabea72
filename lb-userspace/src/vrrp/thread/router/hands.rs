//! Carries a router's effects out.

use std::io;
use std::time::{Duration, Instant};

use tracing::warn;

use super::super::port::Link;
use super::super::seat::{Destinations, Seat};
use super::Router;
use crate::vrrp::machine::Effect;
use crate::vrrp::packet::{self, Advertisement};
use crate::vrrp::{Event, State};

/// Where events go.
pub(in crate::vrrp::thread) type Emit = dyn FnMut(Event) + Send;

/// What a router acts with.
pub(in crate::vrrp::thread) struct Hands<'a> {
    /// The sockets of its interface, if they are open.
    pub(in crate::vrrp::thread) link: Option<&'a Link>,
    pub(in crate::vrrp::thread) now: Instant,
    pub(in crate::vrrp::thread) emit: &'a mut Emit,
    /// The worst of [`Effect::Overslept`]: a matter of the thread, not of the router.
    pub(in crate::vrrp::thread) overslept: &'a mut Option<Duration>,
}

impl Router {
    pub(in crate::vrrp::thread) fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        hands: &mut Hands<'_>,
    ) {
        for effect in effects {
            self.carry_out_one(effect, hands);
        }
    }

    fn carry_out_one(&mut self, effect: Effect, hands: &mut Hands<'_>) {
        let instance = self.config.name.clone();
        let at = hands.now;
        match effect {
            Effect::SendAdvertisement { priority } => self.advertise(priority, hands),
            Effect::StateChanged { from, to, cause } => {
                let priority = self.machine.priority();
                (hands.emit)(Event::State {
                    instance,
                    state: to,
                    priority,
                    cause,
                    at,
                });
                if to == State::Master {
                    self.counters.became_master.add();
                    self.duplicates.watch(at);
                } else if from == State::Master {
                    self.announcing = false;
                    self.announcements.stop();
                    self.end_duplicates(hands);
                }
            }
            Effect::LeaderHeard { source, priority } => (hands.emit)(Event::LeaderHeard {
                instance,
                source,
                priority,
                at,
            }),
            Effect::RivalHeard { source, priority } => {
                self.counters.rivals.add();
                (hands.emit)(Event::Rival {
                    instance,
                    own: self.machine.address(),
                    source,
                    priority,
                    at,
                });
            }
            Effect::RivalGone { source, lasted } => (hands.emit)(Event::RivalGone {
                instance,
                source,
                lasted,
                at,
            }),
            Effect::LowerPriorityHeard => self.announcements.lower_priority_heard(at),
            Effect::Overslept { by } => {
                *hands.overslept = (*hands.overslept).max(Some(by));
            }
        }
    }

    /// Tells the link where all addresses are.
    pub(super) fn announce_all(&mut self, hands: &Hands<'_>) {
        let (Ok(seat), Some(link)) = (&self.seat, hands.link) else {
            return;
        };
        let mut failed = None;
        for address in &self.addresses {
            match seat.announce(link, *address) {
                Ok(()) => self.counters.announced.add(),
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed {
            self.send_failed(&error, hands.now);
        }
    }

    fn advertise(&mut self, priority: u8, hands: &Hands<'_>) {
        let (Ok(seat), Some(link)) = (&self.seat, hands.link) else {
            return;
        };
        let config = &self.config;
        let advertisement = Advertisement {
            version: config.version,
            virtual_router_id: config.virtual_router_id,
            priority,
            interval: config.advert_interval,
            addresses: self.addresses.clone(),
            auth: config.auth,
        };
        let message = |to| packet::emit(&advertisement, config.checksum, seat.source(), to);
        let sent = match Seat::destinations(config) {
            Destinations::Group(group) => seat.multicast(link, group, &message(group)),
            Destinations::Peers(peers) => {
                // One that cannot be reached must not keep it from the others.
                let sends = peers
                    .iter()
                    .map(|peer| seat.unicast(*peer, &message(*peer)));
                sends.fold(Ok(()), Result::and)
            }
        };
        match sent {
            Ok(()) => {
                self.counters.sent.add();
                if priority == 0 {
                    self.counters.sent_priority_zero.add();
                }
            }
            Err(error) => self.send_failed(&error, hands.now),
        }
    }

    pub(super) fn send_failed(&mut self, error: &io::Error, now: Instant) {
        self.counters.send_errors.add();
        if let Some(suppressed) = self.send_log.allow(now) {
            let instance = &self.config.name;
            warn!(%instance, %error, suppressed, "cannot send");
        }
    }
}
