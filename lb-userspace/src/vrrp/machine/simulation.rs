//! Directors on a virtual clock, with a link between them that delays and loses.

use proptest::prelude::*;

use super::tests::advertisement;
use std::net::Ipv4Addr;

use super::*;

const DELAY: Duration = Duration::from_micros(200);
const INTERVAL: Duration = Duration::from_millis(100);

struct Network {
    now: Instant,
    machines: Vec<Machine>,
    /// (time of arrival, receiver, source, priority)
    in_flight: Vec<(Instant, usize, IpAddr, u8)>,
}

impl Network {
    fn new(priorities: &[u8], preempt: bool) -> Self {
        let machine = |(host, &priority): (usize, &u8)| {
            Machine::new(Settings {
                version: Version::V3,
                priority: NonZeroU8::new(priority).unwrap(),
                interval: INTERVAL,
                preempt,
                address: Ipv4Addr::new(192, 0, 2, 1 + host as u8).into(),
            })
        };
        Self {
            now: Instant::now(),
            machines: priorities.iter().enumerate().map(machine).collect(),
            in_flight: Vec::new(),
        }
    }

    fn masters(&self) -> Vec<usize> {
        let masters = |&at: &usize| self.machines[at].state() == State::Master;
        (0..self.machines.len()).filter(masters).collect()
    }

    fn send(&mut self, from: usize, effects: Vec<Effect>, mut lost: impl FnMut() -> bool) {
        let source = self.machines[from].settings.address;
        for effect in effects {
            let Effect::SendAdvertisement { priority } = effect else {
                continue;
            };
            for to in (0..self.machines.len()).filter(|&to| to != from) {
                if !lost() {
                    self.in_flight
                        .push((self.now + DELAY, to, source, priority));
                }
            }
        }
    }

    /// Runs for `span`; `lost` is asked for every copy of every advertisement.
    fn run(&mut self, span: Duration, mut lost: impl FnMut() -> bool) {
        let end = self.now + span;
        loop {
            let timers = self.machines.iter().filter_map(Machine::next_timeout);
            let arrivals = self.in_flight.iter().map(|packet| packet.0);
            let Some(next) = timers.chain(arrivals).min().filter(|&next| next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            let now = self.now;
            let arrived: Vec<_> = self
                .in_flight
                .extract_if(.., |packet| packet.0 <= now)
                .collect();
            for (_, to, source, priority) in arrived {
                let advertisement = advertisement(Version::V3, priority, INTERVAL);
                let effects = self.machines[to].receive(&advertisement, source, now);
                self.send(to, effects, &mut lost);
            }
            for at in 0..self.machines.len() {
                let effects = self.machines[at].tick(now);
                self.send(at, effects, &mut lost);
            }
        }
    }
}

proptest! {
    /// After loss, partition, stops and starts: once the network is whole and quiet, one master.
    #[test]
    fn exactly_one_master_in_the_end(
        priorities in proptest::collection::vec(1..=254_u8, 2..=4),
        preempt: bool,
        loss in 0..=100_u32,
        seed: u64,
        steps in proptest::collection::vec((0..4_usize, any::<bool>(), 0..1000_u64), 0..12),
    ) {
        let mut network = Network::new(&priorities, preempt);
        let mut random = seed | 1;
        let mut lost = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % 100 < u64::from(loss)
        };
        for (at, start, pause) in steps {
            let at = at % priorities.len();
            let now = network.now;
            let effects = if start {
                network.machines[at].startup(now)
            } else {
                network.machines[at].shutdown(Cause::Shutdown)
            };
            network.send(at, effects, &mut lost);
            network.run(Duration::from_millis(pause), &mut lost);
        }
        for at in 0..priorities.len() {
            let now = network.now;
            let effects = network.machines[at].startup(now);
            network.send(at, effects, || false);
        }
        // Twice the longest master-down time.
        network.run(8 * INTERVAL, || false);
        let masters = network.masters();
        prop_assert_eq!(masters.len(), 1, "masters {:?} of {:?}", masters, priorities);
        if preempt {
            let highest = priorities.iter().max().unwrap();
            prop_assert_eq!(&priorities[masters[0]], highest);
        }
        // And it stays that one.
        network.run(20 * INTERVAL, || false);
        prop_assert_eq!(network.masters(), masters);
    }
}

#[test]
fn two_masters_of_one_priority_end_by_address() {
    let mut network = Network::new(&[100, 100], true);
    for at in 0..2 {
        let now = network.now;
        network.machines[at].startup(now);
    }
    network.run(4 * INTERVAL, || true);
    assert_eq!(network.masters(), [0, 1], "each alone");
    network.run(INTERVAL, || false);
    assert_eq!(network.masters(), [1]);
}

#[test]
fn takeover_times() {
    let mut network = Network::new(&[150, 100], true);
    for at in 0..2 {
        let now = network.now;
        network.machines[at].startup(now);
    }
    network.run(10 * INTERVAL, || false);
    assert_eq!(network.masters(), [0]);
    // A clean stop costs the skew time: 156/256 of the interval.
    let now = network.now;
    let effects = network.machines[0].shutdown(Cause::Shutdown);
    network.send(0, effects, || false);
    network.run(INTERVAL, || false);
    assert_eq!(network.masters(), [1]);
    let since = network.machines[1].next_timeout().unwrap() - INTERVAL - now;
    assert_eq!(since, DELAY + INTERVAL * 156 / 256);
}
