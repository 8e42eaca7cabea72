//! One scenario from its seed: trouble, then peace, then what must hold.

use std::num::NonZeroU8;
use std::ops::AddAssign;
use std::time::Duration;

use super::check::{self, Peace};
use super::random::Random;
use super::world::{self, World};
use crate::config::{Preempt, Version};
use crate::vrrp::State;
use crate::vrrp::machine::{Cause, Machine, Settings};

/// What happened, in sum.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Outcome {
    changes: u64,
    grouped: u64,
    overslept: u64,
    rivals: u64,
    nopreempt: u64,
    ties: u64,
}

impl Outcome {
    pub(super) fn all_kinds(&self) -> bool {
        let Self {
            changes,
            grouped,
            overslept,
            rivals,
            nopreempt,
            ties,
        } = *self;
        [changes, grouped, overslept, rivals, nopreempt, ties]
            .iter()
            .all(|&one| one > 0)
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.grouped += other.grouped;
        self.overslept += other.overslept;
        self.rivals += other.rivals;
        self.nopreempt += other.nopreempt;
        self.ties += other.ties;
    }
}

/// # Errors
/// The first thing that must not be.
pub(super) fn run(seed: u64, story: bool) -> Result<Outcome, String> {
    let mut random = Random::new(seed);
    let count = random.pick(2..6) as usize;
    let grouped = random.percent(30);
    let interval = Duration::from_millis([10, 30, 100, 1000][random.index(4)]);
    let settings = settings(&mut random, count, if grouped { 2 } else { 1 }, interval);
    let nopreempt = settings.iter().all(|one| one[0].preempt == Preempt::Never);
    let mut world = World::new(random, settings, grouped, story);
    for at in 0..count {
        if world.random.percent(80) {
            world.each(at, Machine::startup);
        }
    }
    let mut slept = false;
    for _ in 0..world.random.pick(3..16) {
        slept |= trouble(&mut world, interval);
        let pause = world.random.pick(0..6000) as u32;
        world.run(interval * pause / 1000);
    }
    let ties = check::peace(&mut world, &Peace { slept, interval })?;
    Ok(Outcome {
        changes: world.changes,
        grouped: grouped.into(),
        overslept: world.overslept,
        rivals: world.rivals,
        nopreempt: nopreempt.into(),
        ties,
    })
}

fn settings(
    random: &mut Random,
    count: usize,
    networks: usize,
    interval: Duration,
) -> Vec<Vec<Settings>> {
    let kind = random.pick(0..5);
    let crossed = random.percent(20);
    let mixed = random.percent(25);
    let mut director = |at: usize| {
        // Few values, so that ties are frequent.
        let priority = [1, 50, 100, 100, 100, 101, 200, 254, 255][random.index(9)];
        let interval = match mixed && random.percent(50) {
            true => interval / 2,
            false => interval,
        };
        let preempt = match kind {
            0 | 1 => Preempt::Always,
            2 => Preempt::Never,
            3 => Preempt::After(interval * random.pick(0..8) as u32),
            _ => [Preempt::Always, Preempt::Never][random.index(2)],
        };
        let instance = |network: usize| {
            let priority = if crossed && network == 1 {
                201 - priority.min(200)
            } else {
                priority
            };
            Settings {
                version: Version::V3,
                priority: NonZeroU8::new(priority).expect("none of them is 0"),
                owner: priority == 255,
                interval,
                preempt,
                address: world::address(network, at),
            }
        };
        (0..networks).map(instance).collect()
    };
    (0..count).map(&mut director).collect()
}

/// Something happens. Returns whether a director was put to sleep.
fn trouble(world: &mut World, interval: Duration) -> bool {
    let (count, networks) = (world.directors.len(), world.networks());
    let (at, other) = (world.random.index(count), world.random.index(count));
    let network = world.random.index(networks);
    match world.random.pick(0..16) {
        0 => world.each(at, |machine, now| machine.shutdown(Cause::Shutdown, now)),
        1 | 2 => world.each(at, Machine::startup),
        3 => {
            world.crash(at);
            world.each(at, Machine::startup);
        }
        4 => world.fault(at, network),
        5 => world.feed(at, network, Machine::startup),
        6 | 7 => {
            let span = interval * world.random.pick(1..80) as u32 / 10;
            world.sleep(at, span);
            return true;
        }
        8 => {
            if world.state(at, network) == State::Master {
                world.directors[at].instances[network].reasons.yielding = true;
            }
            world.feed(at, network, Machine::resign);
        }
        9 => claim(world, at),
        10 => {
            let mut settings = world.directors[at].instances[network].settings;
            if !settings.owner {
                let change = world.random.pick(1..255) as u8;
                settings.priority = NonZeroU8::new(change).expect("begins at 1");
                world.reconfigure(at, network, settings);
            }
        }
        11 => world.cut[network][at][other] = true,
        12 => {
            world.cut[network][at][other] = true;
            world.cut[network][other][at] = true;
        }
        13 => heal(world),
        _ => {
            world.weather.loss = world.random.pick(0..100);
            world.weather.duplication = world.random.pick(0..50);
            let most = interval.as_micros() as u64;
            world.weather.delay = 50..world.random.pick(100..most);
        }
    }
    false
}

pub(super) fn heal(world: &mut World) {
    world.tell(|| "the networks are whole".to_owned());
    for cut in world.cut.iter_mut().flatten().flatten() {
        *cut = false;
    }
}

pub(super) fn claim(world: &mut World, at: usize) {
    for instance in &mut world.directors[at].instances {
        instance.reasons.yielding = false;
    }
    world.each(at, Machine::claim);
}
