//! Scenarios whose every step is known.

use std::num::NonZeroU8;
use std::time::Duration;

use super::random::Random;
use super::world::{self, World};
use crate::config::{Preempt, Version};
use crate::vrrp::State;
use crate::vrrp::machine::{Cause, Machine, Settings};

const INTERVAL: Duration = Duration::from_millis(100);
const MS: Duration = Duration::from_millis(1);

/// A row per director, a priority per network.
fn world(priorities: &[&[u8]], preempt: Preempt, grouped: bool) -> World {
    let instance = |at, network, priority| Settings {
        version: Version::V3,
        priority: NonZeroU8::new(priority).unwrap(),
        owner: priority == 255,
        interval: INTERVAL,
        preempt,
        address: world::address(network, at),
    };
    let director = |(at, row): (usize, &&[u8])| {
        let row = row.iter().enumerate();
        row.map(|(network, &priority)| instance(at, network, priority))
            .collect()
    };
    let settings = priorities.iter().enumerate().map(director).collect();
    let mut world = World::new(Random::new(1), settings, grouped, false);
    for at in 0..priorities.len() {
        world.each(at, Machine::startup);
    }
    world
}

fn part(world: &mut World, network: usize, parted: bool) {
    world.cut[network][0][1] = parted;
    world.cut[network][1][0] = parted;
}

#[test]
fn two_masters_of_one_priority_end_by_address() {
    let mut world = world(&[&[100], &[100]], Preempt::Always, false);
    part(&mut world, 0, true);
    world.run(4 * INTERVAL);
    assert_eq!(world.masters(0), [0, 1], "each alone");
    part(&mut world, 0, false);
    world.run(INTERVAL);
    assert_eq!(world.masters(0), [1]);
}

#[test]
fn takeover_after_a_clean_stop_takes_the_skew_time() {
    let mut world = world(&[&[150], &[100]], Preempt::Always, false);
    world.run(10 * INTERVAL);
    assert_eq!(world.masters(0), [0]);
    world.each(0, |machine, now| machine.shutdown(Cause::Shutdown, now));
    // 156/256 of the interval.
    world.run(INTERVAL * 156 / 256);
    assert_eq!(world.masters(0), [] as [usize; 0]);
    world.run(MS);
    assert_eq!(world.masters(0), [1]);
}

#[test]
fn a_director_that_slept_reads_before_it_leads() {
    let mut world = world(&[&[150], &[100]], Preempt::Always, false);
    world.run(10 * INTERVAL);
    let before = world.changes;
    // The packets of that time are lost with a full buffer, or were never sent.
    world.cut[0][0][1] = true;
    world.sleep(1, 20 * INTERVAL);
    world.run(20 * INTERVAL - MS);
    world.cut[0][0][1] = false;
    world.run(3 * INTERVAL);
    assert_eq!((world.changes, world.overslept), (before, 1));
    // And with nobody there it leads in the end.
    world.cut[0][0][1] = true;
    world.sleep(1, 20 * INTERVAL);
    world.run(22 * INTERVAL + MS);
    assert_eq!(world.masters(0), [0, 1]);
}

#[test]
fn a_master_that_slept_and_does_not_preempt_follows() {
    let mut world = world(&[&[150], &[100]], Preempt::Never, false);
    world.run(10 * INTERVAL);
    assert_eq!(world.masters(0), [0]);
    world.sleep(0, 10 * INTERVAL);
    world.run(20 * INTERVAL);
    assert_eq!(world.masters(0), [1]);
    // Alone it goes on.
    world.each(0, |machine, now| machine.shutdown(Cause::Shutdown, now));
    world.sleep(1, 10 * INTERVAL);
    world.run(20 * INTERVAL);
    assert_eq!(world.masters(0), [1]);
}

#[test]
fn a_director_that_gave_way_comes_back_when_it_claims_or_is_alone() {
    let mut world = world(&[&[150], &[100]], Preempt::Always, false);
    world.run(10 * INTERVAL);
    world.each(0, Machine::resign);
    world.run(20 * INTERVAL);
    assert_eq!(world.masters(0), [1]);
    world.each(0, Machine::claim);
    world.run(5 * INTERVAL);
    assert_eq!(world.masters(0), [0]);
    world.each(0, Machine::resign);
    world.run(5 * INTERVAL);
    world.each(1, |machine, now| machine.shutdown(Cause::Shutdown, now));
    world.run(INTERVAL);
    assert_eq!(world.masters(0), [0]);
}

#[test]
fn groups_that_hear_each_other_on_one_network_do_not_flap() {
    for parted in [0, 1] {
        let mut world = world(&[&[150, 150], &[100, 100]], Preempt::Always, true);
        world.run(10 * INTERVAL);
        part(&mut world, parted, true);
        let before = world.changes;
        world.run(100 * INTERVAL);
        assert_eq!(world.changes, before);
        // From the beginning, too: the lesser one is out and comes back.
        world.each(1, |machine, now| machine.shutdown(Cause::Shutdown, now));
        world.each(1, Machine::startup);
        world.run(5 * INTERVAL);
        let before = world.changes;
        world.run(100 * INTERVAL);
        assert_eq!(world.changes, before);
        assert_eq!((world.masters(0), world.masters(1)), (vec![0], vec![0]));
    }
}

#[test]
fn groups_preferred_on_different_networks_agree() {
    let rows: [&[&[u8]]; 2] = [&[&[150, 100], &[100, 150]], &[&[254, 1], &[1, 254]]];
    for row in rows {
        let mut world = world(row, Preempt::Always, true);
        // Nothing but the backoff makes a difference between them.
        world.weather.delay = 200..201;
        world.run(60 * INTERVAL);
        let before = world.changes;
        world.run(100 * INTERVAL);
        assert_eq!(world.changes, before);
        let masters = world.masters(0);
        assert_eq!(masters.len(), 1);
        assert_eq!(world.masters(1), masters);
    }
}

#[test]
fn a_fault_takes_the_whole_group_along_and_back() {
    let mut world = world(&[&[150, 150], &[100, 100]], Preempt::Always, true);
    world.run(10 * INTERVAL);
    world.fault(0, 1);
    assert_eq!(
        (world.state(0, 0), world.state(0, 1)),
        (State::Fault, State::Fault)
    );
    // Both gave up: the other group needs the skew time alone.
    world.run(INTERVAL);
    assert_eq!((world.masters(0), world.masters(1)), (vec![1], vec![1]));
    // The healthy member cannot come back on its own.
    world.feed(0, 0, Machine::startup);
    world.run(10 * INTERVAL);
    assert_eq!(world.state(0, 0), State::Fault);
    world.feed(0, 1, Machine::startup);
    world.run(5 * INTERVAL);
    assert_eq!((world.masters(0), world.masters(1)), (vec![0], vec![0]));
}
