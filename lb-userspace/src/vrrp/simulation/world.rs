//! Directors, their instances on each network, and what is on its way between them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use super::random::Random;
use super::reasons::Reasons;
use crate::config::{Auth, Version};
use crate::vrrp::State;
use crate::vrrp::group::{Group, Member};
use crate::vrrp::machine::{Cause, Effect, Machine, Settings};
use crate::vrrp::packet::Advertisement;

/// A socket's buffer holds so many; the rest is lost while a director sleeps.
const INBOX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Packet {
    pub(super) at: Instant,
    /// Keeps equal times in order.
    number: u64,
    network: usize,
    from: usize,
    to: usize,
    priority: u8,
    interval: Duration,
}

pub(super) struct Instance {
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    pub(super) reasons: Reasons,
}

pub(super) struct Director {
    /// One on each network.
    pub(super) instances: Vec<Instance>,
    pub(super) group: Option<Group>,
    /// Not scheduled until then.
    asleep_until: Option<Instant>,
    inbox: Vec<Packet>,
}

/// What the networks do to packets.
pub(super) struct Weather {
    pub(super) loss: u64,
    pub(super) duplication: u64,
    pub(super) delay: std::ops::Range<u64>,
}

pub(super) struct World {
    pub(super) now: Instant,
    start: Instant,
    pub(super) random: Random,
    pub(super) directors: Vec<Director>,
    in_flight: BinaryHeap<Reverse<Packet>>,
    sent: u64,
    pub(super) weather: Weather,
    /// `[network][from][to]`
    pub(super) cut: Vec<Vec<Vec<bool>>>,
    pub(super) changes: u64,
    pub(super) overslept: u64,
    pub(super) rivals: u64,
    /// The first thing that must not be.
    pub(super) wrong: Option<String>,
    story: bool,
}

pub(super) fn address(network: usize, director: usize) -> IpAddr {
    Ipv4Addr::new(192, 0, network as u8, 1 + director as u8).into()
}

impl World {
    pub(super) fn new(
        random: Random,
        settings: Vec<Vec<Settings>>,
        grouped: bool,
        story: bool,
    ) -> Self {
        let now = Instant::now();
        let instance = |settings| {
            let mut machine = Machine::new(settings);
            machine.set_grouped(grouped, now);
            Instance {
                machine,
                settings,
                reasons: Reasons::default(),
            }
        };
        let networks = settings[0].len();
        let count = settings.len();
        let director = |settings: Vec<Settings>| Director {
            instances: settings.into_iter().map(instance).collect(),
            group: grouped.then(|| Group::new("group".to_owned())),
            asleep_until: None,
            inbox: Vec::new(),
        };
        Self {
            now,
            start: now,
            random,
            directors: settings.into_iter().map(director).collect(),
            in_flight: BinaryHeap::new(),
            sent: 0,
            weather: Weather {
                loss: 0,
                duplication: 0,
                delay: 50..300,
            },
            cut: vec![vec![vec![false; count]; count]; networks],
            changes: 0,
            overslept: 0,
            rivals: 0,
            wrong: None,
            story,
        }
    }

    pub(super) fn networks(&self) -> usize {
        self.cut.len()
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.story {
            eprintln!("{:>12.3?} {}", self.now - self.start, what());
        }
    }

    pub(super) fn masters(&self, network: usize) -> Vec<usize> {
        let is_master = |&at: &usize| self.state(at, network) == State::Master;
        (0..self.directors.len()).filter(is_master).collect()
    }

    pub(super) fn state(&self, director: usize, network: usize) -> State {
        self.directors[director].instances[network].machine.state()
    }

    /// Gives one machine an input, carries out what follows, and lets its group follow.
    pub(super) fn feed(
        &mut self,
        at: usize,
        network: usize,
        input: impl FnOnce(&mut Machine, Instant) -> Vec<Effect>,
    ) {
        let now = self.now;
        let effects = input(&mut self.directors[at].instances[network].machine, now);
        self.carry_out(at, network, effects);
        let director = &mut self.directors[at];
        let Some(group) = &mut director.group else {
            return;
        };
        let members = director.instances.iter_mut();
        let mut members: Vec<_> = members
            .map(|instance| Member {
                name: "member",
                machine: &mut instance.machine,
            })
            .collect();
        let settled = group.settle(&mut members, now);
        let again = group.settle(&mut members, now);
        if !again.is_empty() {
            self.fail(format!("the group of {at} does not settle: {again:?}"));
        }
        for (network, effects) in settled {
            self.carry_out(at, network, effects);
        }
        let masters = self.directors[at].instances.iter();
        let masters = masters
            .filter(|one| one.machine.state() == State::Master)
            .count();
        if masters != 0 && masters != self.networks() {
            self.fail(format!("half the group of {at} is MASTER"));
        }
    }

    pub(super) fn each(&mut self, at: usize, input: impl Fn(&mut Machine, Instant) -> Vec<Effect>) {
        for network in 0..self.networks() {
            self.feed(at, network, &input);
        }
    }

    fn carry_out(&mut self, at: usize, network: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.tell(|| format!("{at}/{network}: {effect:?}"));
            match effect {
                Effect::SendAdvertisement { priority } => self.send(at, network, priority),
                Effect::StateChanged { from, to, cause } => {
                    self.changes += 1;
                    let instance = &mut self.directors[at].instances[network];
                    if to == State::Master
                        && let Err(why) =
                            instance.reasons.check(&cause, &instance.settings, self.now)
                    {
                        self.fail(format!(
                            "{at}/{network} became MASTER, but {why}: {cause:?}"
                        ));
                    }
                    let instance = &mut self.directors[at].instances[network];
                    instance.reasons.entered(from, to, self.now);
                }
                Effect::Overslept { .. } => self.overslept += 1,
                Effect::RivalHeard { .. } => self.rivals += 1,
                Effect::LeaderHeard { .. }
                | Effect::RivalGone { .. }
                | Effect::LowerPriorityHeard => {}
            }
        }
    }

    pub(super) fn fail(&mut self, what: String) {
        self.wrong
            .get_or_insert(format!("after {:?}: {what}", self.now - self.start));
    }

    fn send(&mut self, from: usize, network: usize, priority: u8) {
        let interval = self.directors[from].instances[network].settings.interval;
        for to in (0..self.directors.len()).filter(|&to| to != from) {
            let copies = 1 + u64::from(self.random.percent(self.weather.duplication));
            for _ in 0..copies {
                if self.cut[network][from][to] || self.random.percent(self.weather.loss) {
                    continue;
                }
                let delay = self.random.pick(self.weather.delay.clone());
                self.sent += 1;
                self.in_flight.push(Reverse(Packet {
                    at: self.now + Duration::from_micros(delay),
                    number: self.sent,
                    network,
                    from,
                    to,
                    priority,
                    interval,
                }));
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let Packet {
            network,
            from,
            to,
            priority,
            interval,
            ..
        } = packet;
        let source = address(network, from);
        let instance = &mut self.directors[to].instances[network];
        instance
            .reasons
            .heard(source, priority, interval, &instance.settings, self.now);
        let advertisement = Advertisement {
            version: Version::V3,
            virtual_router_id: NonZeroU8::MIN,
            priority,
            interval,
            // No machine looks at them.
            addresses: Vec::new(),
            auth: Auth::None,
        };
        self.feed(to, network, |machine, now| {
            machine.receive(&advertisement, source, now)
        });
    }

    pub(super) fn sleep(&mut self, at: usize, span: Duration) {
        self.tell(|| format!("{at} is not scheduled for {span:?}"));
        self.directors[at].asleep_until = Some(self.now + span);
    }

    /// The process is killed and started again: it has said nothing and knows nothing.
    pub(super) fn crash(&mut self, at: usize) {
        self.tell(|| format!("{at} crashes"));
        let (grouped, now) = (self.directors[at].group.is_some(), self.now);
        for instance in &mut self.directors[at].instances {
            instance.machine = Machine::new(instance.settings);
            instance.machine.set_grouped(grouped, now);
            instance.reasons = Reasons::default();
        }
    }

    pub(super) fn reconfigure(&mut self, at: usize, network: usize, settings: Settings) {
        self.tell(|| format!("{at}/{network}: {settings:?}"));
        let instance = &mut self.directors[at].instances[network];
        instance.settings = settings;
        instance.reasons.changed = true;
        self.feed(at, network, |machine, now| {
            machine.reconfigure(settings, now)
        });
    }

    fn next(&self) -> Option<Instant> {
        let timers = self
            .directors
            .iter()
            .filter_map(|director| match director.asleep_until {
                Some(until) => Some(until),
                None => {
                    let timers = director
                        .instances
                        .iter()
                        .map(|one| one.machine.next_timeout());
                    timers.flatten().min()
                }
            });
        let packet = self.in_flight.peek().map(|packet| packet.0.at);
        timers.chain(packet).min()
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.wrong.is_none() {
            let Some(next) = self.next().filter(|&next| next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// As the thread does it: first what has arrived, then the timers.
    fn step(&mut self) {
        while let Some(Reverse(packet)) = self.in_flight.peek().copied()
            && packet.at <= self.now
        {
            self.in_flight.pop();
            let director = &mut self.directors[packet.to];
            match director.asleep_until {
                None => self.deliver(packet),
                Some(_) if director.inbox.len() < INBOX => director.inbox.push(packet),
                Some(_) => {}
            }
        }
        for at in 0..self.directors.len() {
            match self.directors[at].asleep_until {
                Some(until) if until > self.now => continue,
                Some(_) => {
                    self.directors[at].asleep_until = None;
                    for packet in std::mem::take(&mut self.directors[at].inbox) {
                        self.deliver(packet);
                    }
                }
                None => {}
            }
            for network in 0..self.networks() {
                let machine = &self.directors[at].instances[network].machine;
                if machine
                    .next_timeout()
                    .is_some_and(|timeout| timeout <= self.now)
                {
                    self.feed(at, network, Machine::tick);
                }
            }
        }
    }

    pub(super) fn wake_all(&mut self) {
        for director in &mut self.directors {
            if director.asleep_until.is_some() {
                director.asleep_until = Some(self.now);
            }
        }
        self.step();
    }

    pub(super) fn fault(&mut self, at: usize, network: usize) {
        self.feed(at, network, |machine, now| {
            machine.fault(Cause::InterfaceLost, now)
        });
    }
}
