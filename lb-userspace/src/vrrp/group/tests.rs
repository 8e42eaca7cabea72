use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU8;

use super::*;
use crate::config::{Auth, Preempt, Version};
use crate::vrrp::machine::Settings;
use crate::vrrp::packet::Advertisement;

const SECOND: Duration = Duration::from_secs(1);
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

fn settings(priority: u8) -> Settings {
    Settings {
        version: Version::V3,
        priority: NonZeroU8::new(priority).unwrap(),
        owner: priority == 255,
        interval: SECOND,
        preempt: Preempt::Always,
        address: Ipv4Addr::new(192, 0, 2, 1).into(),
    }
}

fn advertisement(priority: u8) -> Advertisement {
    Advertisement {
        version: Version::V3,
        virtual_router_id: NonZeroU8::MIN,
        priority,
        interval: SECOND,
        addresses: vec![],
        auth: Auth::None,
    }
}

struct Bench {
    group: Group,
    machines: [Machine; 2],
    now: Instant,
}

impl Bench {
    fn new(priorities: [u8; 2]) -> Self {
        let now = Instant::now();
        let machine = |priority| {
            let mut machine = Machine::new(settings(priority));
            machine.set_grouped(true, now);
            machine
        };
        Self {
            group: Group::new("pair".to_owned()),
            machines: priorities.map(machine),
            now,
        }
    }

    /// A group that has become MASTER.
    fn master() -> Self {
        let mut bench = Self::new([100, 100]);
        bench.feed(0, Machine::startup);
        bench.feed(1, Machine::startup);
        bench.now += 4 * SECOND;
        bench.feed(0, Machine::tick);
        bench.feed(1, Machine::tick);
        assert_eq!(bench.states(), [State::Master; 2]);
        bench
    }

    fn feed(
        &mut self,
        at: usize,
        input: impl FnOnce(&mut Machine, Instant) -> Vec<Effect>,
    ) -> Vec<(usize, Vec<Effect>)> {
        let mut all = vec![(at, input(&mut self.machines[at], self.now))];
        let [a, b] = &mut self.machines;
        let member = |name, machine| Member { name, machine };
        let mut members = [member("A", a), member("B", b)];
        all.extend(self.group.settle(&mut members, self.now));
        all.retain(|(_, effects)| !effects.is_empty());
        all
    }

    fn states(&self) -> [State; 2] {
        [self.machines[0].state(), self.machines[1].state()]
    }
}

fn changed(from: State, to: State, member: &str) -> Effect {
    let cause = Cause::Group {
        group: "pair".to_owned(),
        member: member.to_owned(),
    };
    Effect::StateChanged { from, to, cause }
}

const FAREWELL: Effect = Effect::SendAdvertisement { priority: 0 };

#[test]
fn members_begin_together_and_lead_together() {
    let mut bench = Bench::new([100, 100]);
    assert_eq!(bench.feed(0, Machine::startup), []);
    assert_eq!(bench.states(), [State::Initialize; 2]);
    assert_eq!(bench.feed(1, Machine::startup).len(), 2);
    assert_eq!(bench.states(), [State::Backup; 2]);
    bench.now += 4 * SECOND;
    // The first is ready, and has no timer any more.
    assert_eq!(bench.feed(0, Machine::tick), []);
    assert_eq!(bench.machines[0].next_timeout(), None);
    let effects = bench.feed(1, Machine::tick);
    let first = |at: usize| &effects[at].1[0];
    assert_eq!(first(0), &Effect::SendAdvertisement { priority: 100 });
    assert_eq!(first(1), &Effect::SendAdvertisement { priority: 100 });
    assert_eq!(bench.states(), [State::Master; 2]);
}

#[test]
fn a_master_on_one_network_holds_the_whole_group_back() {
    let mut bench = Bench::new([100, 100]);
    bench.feed(0, Machine::startup);
    bench.feed(1, Machine::startup);
    for _ in 0..10 {
        bench.feed(0, |machine, now| {
            machine.receive(&advertisement(100), PEER, now)
        });
        bench.now += SECOND;
        bench.feed(0, Machine::tick);
        bench.feed(1, Machine::tick);
        assert_eq!(bench.states(), [State::Backup; 2]);
    }
}

#[test]
fn who_loses_takes_the_others_along() {
    let mut bench = Bench::master();
    let effects = bench.feed(0, |machine, now| {
        machine.receive(&advertisement(150), PEER, now)
    });
    let back = changed(State::Master, State::Backup, "A");
    assert_eq!(effects[1], (1, vec![FAREWELL, back]));
    assert_eq!(bench.states(), [State::Backup; 2]);
    // By hand, too.
    let mut bench = Bench::master();
    bench.feed(1, Machine::resign);
    assert_eq!(bench.states(), [State::Backup; 2]);
}

#[test]
fn who_is_out_keeps_the_others_out() {
    for stop in [false, true] {
        let mut bench = Bench::master();
        let effects = bench.feed(1, |machine, now| match stop {
            true => machine.shutdown(Cause::NoPlane, now),
            false => machine.fault(Cause::InterfaceLost, now),
        });
        let out = changed(State::Master, State::Fault, "B");
        assert_eq!(effects[1], (0, vec![FAREWELL, out]));
        assert_eq!(bench.feed(0, Machine::startup), [], "not on its own");
        assert_eq!(bench.feed(1, Machine::startup).len(), 2);
        assert_eq!(bench.states(), [State::Backup; 2]);
    }
}

#[test]
fn an_owner_is_ready_at_once_and_waits_all_the_same() {
    let mut bench = Bench::new([255, 100]);
    bench.feed(1, Machine::startup);
    bench.feed(0, Machine::startup);
    assert_eq!(bench.states(), [State::Backup; 2]);
    bench.now += 4 * SECOND;
    let effects = bench.feed(1, Machine::tick);
    let owner = Effect::StateChanged {
        from: State::Backup,
        to: State::Master,
        cause: Cause::Owner,
    };
    assert_eq!(effects[0].1[1], owner);
    assert_eq!(bench.states(), [State::Master; 2]);
}

#[test]
fn half_a_master_becomes_a_group() {
    let mut bench = Bench::new([100, 100]);
    for machine in &mut bench.machines {
        machine.set_grouped(false, bench.now);
        machine.startup(bench.now);
    }
    bench.now += 4 * SECOND;
    bench.machines[0].tick(bench.now);
    for machine in &mut bench.machines {
        machine.set_grouped(true, bench.now);
    }
    assert_eq!(bench.states(), [State::Master, State::Backup]);
    bench.feed(0, |_, _| Vec::new());
    assert_eq!(bench.states(), [State::Backup; 2]);
}

#[test]
fn state_of_a_group() {
    use State::{Backup, Fault, Initialize, Master};
    assert_eq!(Group::state([Master, Master]), Master);
    assert_eq!(Group::state([Master, Backup]), Backup);
    assert_eq!(Group::state([Backup, Initialize]), Initialize);
    assert_eq!(Group::state([Fault, Master]), Fault);
    assert_eq!(Group::state([Initialize, Fault]), Fault);
}
