//! Sync groups: instances that are MASTER together or not at all. PURE.
//!
//! A member whose timer runs out is only ready, and stays BACKUP; when every member is ready or
//! MASTER, all become MASTER at once. So two directors that hear each other on one network and
//! not on the other do not fight: whoever follows a master on the first is not ready there, and
//! stays BACKUP on both.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use super::State;
use super::machine::{Cause, Effect, Machine};

/// A sync group on this director, without its members: those are the caller's.
#[derive(Debug, Clone)]
pub struct Group {
    name: String,
    /// How often it has stepped back.
    steps_back: u32,
}

/// A member, with [`Machine::set_grouped`].
#[derive(Debug)]
pub struct Member<'a> {
    pub name: &'a str,
    pub machine: &'a mut Machine,
}

impl Group {
    pub fn new(name: String) -> Self {
        Self {
            name,
            steps_back: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the members agree: to be called after any of them was given any input, and when the
    /// members themselves have changed. Returns what each shall do, by its place in `members`;
    /// without a member that takes part differently now, nothing.
    pub fn settle(
        &mut self,
        members: &mut [Member<'_>],
        now: Instant,
    ) -> Vec<(usize, Vec<Effect>)> {
        let out = members.iter().find(|one| !one.machine.is_willing());
        if let Some(out) = out {
            let cause = self.cause(out.name);
            return each(members, |one| stay_out(one, &cause, now));
        }
        let mut effects = each(members, |one| one.machine.join(now));
        match members.iter().find(|one| !one.machine.is_ready()) {
            None => effects.extend(each(members, |one| one.machine.lead(now))),
            Some(unready) => {
                let cause = self.cause(unready.name);
                let steps_back = self.steps_back;
                let back = each(members, |one| {
                    let backoff = backoff(one.machine, steps_back);
                    one.machine.step_back(cause.clone(), backoff, now)
                });
                if !back.is_empty() {
                    self.steps_back = self.steps_back.wrapping_add(1);
                }
                effects.extend(back);
            }
        }
        effects
    }

    /// State of a group with members in these states.
    pub fn state(members: impl IntoIterator<Item = State>) -> State {
        let mut state = State::Master;
        for member in members {
            state = match (state, member) {
                (State::Fault, _) | (_, State::Fault) => State::Fault,
                (State::Initialize, _) | (_, State::Initialize) => State::Initialize,
                (State::Backup, _) | (_, State::Backup) => State::Backup,
                (State::Master, State::Master) => State::Master,
            };
        }
        state
    }

    fn cause(&self, member: &str) -> Cause {
        Cause::Group {
            group: self.name.clone(),
            member: member.to_owned(),
        }
    }
}

/// Those members that have something to do.
fn each(
    members: &mut [Member<'_>],
    mut act: impl FnMut(&mut Member<'_>) -> Vec<Effect>,
) -> Vec<(usize, Vec<Effect>)> {
    let members = members.iter_mut().enumerate();
    let effects = members.map(|(at, member)| (at, act(member)));
    effects.filter(|(_, effects)| !effects.is_empty()).collect()
}

fn stay_out(member: &mut Member<'_>, cause: &Cause, now: Instant) -> Vec<Effect> {
    // One that never took part goes on waiting where it is.
    match member.machine.state() {
        State::Backup | State::Master => member.machine.stay_out(cause.clone(), now),
        State::Initialize | State::Fault => Vec::new(),
    }
}

/// Up to an interval more before a member is ready again.
///
/// Two directors, each preferred on another network of the group, that become MASTER at the same
/// time throw each other out at the same time; with equal timers they would do so for ever. The
/// address makes the waits differ, and the count makes them differ otherwise the next time.
fn backoff(machine: &Machine, steps_back: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (machine.address(), steps_back).hash(&mut hasher);
    machine.interval() * u32::from(hasher.finish() as u8) / 256
}

#[cfg(test)]
mod tests;
