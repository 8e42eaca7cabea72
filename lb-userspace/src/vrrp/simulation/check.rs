//! The end of a scenario: the networks are whole, everybody takes part, and then who leads?

use std::time::Duration;

use super::scenario::{claim, heal};
use super::world::World;
use crate::config::Preempt;
use crate::vrrp::machine::{Machine, Settings};

pub(super) struct Peace {
    /// A director was put to sleep: it may have let others take its place.
    pub(super) slept: bool,
    pub(super) interval: Duration,
}

/// Makes peace and waits for the longest master-down time, and for what else may have to pass.
/// Returns how often masters of one priority met.
///
/// # Errors
/// What must not be.
pub(super) fn peace(world: &mut World, peace: &Peace) -> Result<u64, String> {
    let interval = peace.interval;
    heal(world);
    world.weather.loss = 0;
    world.weather.duplication = 0;
    world.weather.delay = 50..300;
    world.wake_all();
    for at in 0..world.directors.len() {
        world.each(at, Machine::startup);
        claim(world, at);
    }
    let crossed = crossed(world);
    let masters = world.masters(0);
    world.run(patience(world, peace, crossed));
    let winner = one_master(world)?;
    right(world, winner)?;
    let mut ties = 0;
    if !peace.slept && !crossed {
        ties = not_below(world, winner, &masters)?;
    }
    let before = world.changes;
    world.run(10 * interval);
    if let Some(wrong) = &world.wrong {
        return Err(wrong.clone());
    }
    if world.changes != before || one_master(world)? != winner {
        return Err(format!("director {winner} did not stay MASTER"));
    }
    Ok(ties)
}

/// The longest master-down time (4 intervals), and: packets under way (1), a second wait after
/// oversleeping (2), the wait before a preemption and the timer after it, and for groups the
/// backoff (1), or so many rounds of it that they cannot all be the same.
fn patience(world: &World, peace: &Peace, crossed: bool) -> Duration {
    let all = world.directors.iter().flat_map(|one| &one.instances);
    let delay = all.filter_map(|one| match one.settings.preempt {
        Preempt::After(delay) => Some(delay + 4 * peace.interval),
        Preempt::Always | Preempt::Never => None,
    });
    let sleep = if peace.slept { 3 } else { 0 };
    let group = match (world.networks(), crossed) {
        (1, _) => 0,
        (_, false) => 10,
        (_, true) => 40,
    };
    delay.max().unwrap_or_default() + (4 + 1 + sleep + group) * peace.interval + MARGIN
}

/// Packets of the last change.
const MARGIN: Duration = Duration::from_millis(2);

fn settings(world: &World, at: usize, network: usize) -> &Settings {
    &world.directors[at].instances[network].settings
}

/// Whether one director goes first on one network and another on the other.
fn crossed(world: &World) -> bool {
    let count = world.directors.len();
    let priority = |at, network| settings(world, at, network).priority;
    (1..world.networks()).any(|network| {
        (0..count).any(|a| {
            (0..count).any(|b| {
                priority(a, 0) > priority(b, 0) && priority(a, network) <= priority(b, network)
                    || priority(a, 0) == priority(b, 0)
                        && priority(a, network) != priority(b, network)
            })
        })
    })
}

fn one_master(world: &World) -> Result<usize, String> {
    if let Some(wrong) = &world.wrong {
        return Err(wrong.clone());
    }
    let mut winner = None;
    for network in 0..world.networks() {
        let masters = world.masters(network);
        match (&masters[..], winner) {
            ([one], None) => winner = Some(*one),
            ([one], Some(other)) if *one == other => {}
            _ => return Err(format!("network {network} has masters {masters:?}")),
        }
    }
    winner.ok_or_else(|| "no network".to_owned())
}

/// Nobody goes before the winner on every network, and preempts there.
fn right(world: &World, winner: usize) -> Result<(), String> {
    for at in 0..world.directors.len() {
        let goes_before = |network| {
            let (one, led) = (
                settings(world, at, network),
                settings(world, winner, network),
            );
            one.priority > led.priority && (one.owner || one.preempt != Preempt::Never)
        };
        if (0..world.networks()).all(goes_before) {
            return Err(format!("{winner} leads, and {at} goes before it"));
        }
    }
    Ok(())
}

/// Of several masters that met the first by priority and address remains, or one that had not
/// heard them and goes before all. Returns 1 if the address decided.
fn not_below(world: &World, winner: usize, masters: &[usize]) -> Result<u64, String> {
    let rank = |at: usize| {
        let settings = settings(world, at, 0);
        (settings.priority, settings.address)
    };
    let Some(first) = masters.iter().copied().max_by_key(|&at| rank(at)) else {
        return Ok(0);
    };
    let settled = masters.len() > 1 || settings(world, winner, 0).preempt == Preempt::Never;
    if settled && rank(winner) < rank(first) {
        return Err(format!("{first} was MASTER, and {winner} leads now"));
    }
    let top = rank(first).0;
    let tied = masters.iter().filter(|&&at| rank(at).0 == top).count() > 1;
    Ok(u64::from(tied))
}
