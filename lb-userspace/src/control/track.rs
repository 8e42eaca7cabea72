//! What tracking makes of the instances. PURE.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{self, Track, Tracked};
use crate::track::{Report, Seen};
use crate::vrrp::Standing;

use super::{Control, ServerState};

#[cfg(test)]
mod tests;

/// Priorities of those that do not own the addresses: no sum of weights can do more than go from
/// one end to the other.
const FARTHEST: i64 = 253;

/// What the tasks saw last.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracking(BTreeMap<Tracked, Seen>);

impl Tracking {
    /// Forgets what is not tracked any more.
    pub(super) fn configure(&mut self, instances: &[config::Instance]) {
        let tracks = instances.iter().flat_map(|instance| &instance.track);
        let wanted: BTreeSet<&Tracked> = tracks.map(|track| &track.what).collect();
        self.0.retain(|what, _| wanted.contains(what));
    }
}

/// Real servers of a service, counted once however many instances track it.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    healthy: usize,
    checking: usize,
    resolving: usize,
}

/// By the service's name.
type Tallies = BTreeMap<String, Tally>;

/// What is known of a tracked thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// It was not looked at yet.
    Unknown,
    Well,
    /// Why; words that go on after the thing's name.
    NotWell(String),
    /// A file's number.
    Number(i64),
}

/// One tracked thing of an instance, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look<'c> {
    pub track: &'c Track,
    pub condition: Condition,
    /// What it adds to the priority.
    pub adjustment: i16,
    pub fault: Option<String>,
}

impl Control {
    /// Takes what a task saw; returns whether somebody tracks that, and it is news.
    pub fn tracked(&mut self, report: Report) -> bool {
        let tracks = self.config.vrrp.iter().flat_map(|vrrp| &vrrp.track);
        let mut known = tracks.map(|track| &track.what);
        if !known.any(|what| *what == report.what) {
            // Its last word was under way when it was configured away.
            return false;
        }
        let before = self.tracking.0.insert(report.what, report.seen.clone());
        before != Some(report.seen)
    }

    /// What the instance's tracking comes to, thing by thing.
    #[must_use]
    pub fn looks<'c>(&self, instance: &'c config::Instance) -> Vec<Look<'c>> {
        self.looks_with(instance, &mut Tallies::new())
    }

    fn looks_with<'c>(
        &self,
        instance: &'c config::Instance,
        tallies: &mut Tallies,
    ) -> Vec<Look<'c>> {
        let started = self.instances.get(&instance.name);
        let started = started.is_some_and(|instance| instance.started);
        let look = |track: &'c Track| {
            let condition = self.condition(&track.what, started, tallies);
            let (adjustment, faulty) = effect(track, &condition);
            Look {
                track,
                adjustment,
                fault: faulty.then(|| sentence(&track.what, &condition)),
                condition,
            }
        };
        instance.track.iter().map(look).collect()
    }

    /// What tracking makes of each instance, in the configuration's order.
    #[must_use]
    pub fn standings(&self) -> Vec<(&config::Instance, Standing)> {
        let mut tallies = Tallies::new();
        let instances = self.config.vrrp.iter();
        let standing = |instance| (instance, self.standing_with(instance, &mut tallies));
        instances.map(standing).collect()
    }

    #[must_use]
    pub fn standing(&self, instance: &config::Instance) -> Standing {
        self.standing_with(instance, &mut Tallies::new())
    }

    fn standing_with(&self, instance: &config::Instance, tallies: &mut Tallies) -> Standing {
        let looks = self.looks_with(instance, tallies);
        let sum: i64 = looks.iter().map(|look| i64::from(look.adjustment)).sum();
        Standing {
            fault: looks.into_iter().find_map(|look| look.fault),
            adjustment: within(sum),
        }
    }

    /// The priority that the instance has with its tracking.
    #[must_use]
    pub fn effective_priority(&self, instance: &config::Instance) -> u8 {
        let adjustment = self.standing(instance).adjustment;
        instance.adjusted_priority(adjustment).get()
    }

    /// Instances that track something of which waiting would tell more.
    pub(super) fn untracked(&self) -> BTreeSet<String> {
        let mut tallies = Tallies::new();
        let unknown = |instance: &&config::Instance| {
            let mut looks = self.looks_with(instance, &mut tallies).into_iter();
            looks.any(|look| look.condition == Condition::Unknown)
        };
        let instances = self.config.vrrp.iter().filter(unknown);
        instances.map(|instance| instance.name.clone()).collect()
    }

    fn condition(&self, what: &Tracked, started: bool, tallies: &mut Tallies) -> Condition {
        match what {
            Tracked::Interface(name) => match self.links.get(name) {
                Some(link) if link.up => Condition::Well,
                Some(_) => Condition::NotWell("is down or has no carrier".to_owned()),
                None => Condition::NotWell("does not exist".to_owned()),
            },
            Tracked::Service { name, min_healthy } => {
                self.service(name, *min_healthy, started, tallies)
            }
            Tracked::Script(_)
            | Tracked::File(_)
            | Tracked::Process { .. }
            | Tracked::Route { .. } => match self.tracking.0.get(what) {
                None => Condition::Unknown,
                Some(Seen::Well) => Condition::Well,
                Some(Seen::NotWell(words)) => Condition::NotWell(words.clone()),
                Some(Seen::Number(number)) => Condition::Number(*number),
            },
        }
    }

    /// `started`: the time in which a MAC address is still looked for is over.
    fn service(
        &self,
        name: &str,
        min_healthy: u16,
        started: bool,
        tallies: &mut Tallies,
    ) -> Condition {
        let tally = tallies.entry(name.to_owned());
        let tally = *tally.or_insert_with(|| self.tally(name));
        let resolving = if started { 0 } else { tally.resolving };
        let open = tally.checking + resolving;
        let (healthy, wanted) = (tally.healthy, usize::from(min_healthy));
        if healthy >= wanted {
            Condition::Well
        } else if healthy + open >= wanted {
            Condition::Unknown
        } else {
            Condition::NotWell(format!(
                "has {healthy} healthy real servers, and {wanted} are wanted"
            ))
        }
    }

    fn tally(&self, name: &str) -> Tally {
        let mut tally = Tally::default();
        // The configuration names no service that there is not.
        let services = self.config.services.iter();
        for service in services.filter(|service| *service.name == *name) {
            for server in &service.real_servers {
                let state = self.server_state(service, server);
                tally.healthy += usize::from(state.is_healthy());
                tally.checking += usize::from(state == ServerState::Checking);
                tally.resolving += usize::from(state == ServerState::Resolving);
            }
        }
        tally
    }
}

/// What it adds to the priority, and whether it is a fault.
fn effect(track: &Track, condition: &Condition) -> (i16, bool) {
    let weight = track.weight.map(|weight| i64::from(weight.get()));
    match (condition, weight) {
        (Condition::Unknown, _) | (Condition::Well, None) => (0, false),
        (Condition::NotWell(_), None) => (0, true),
        (Condition::Number(number), None) => (0, *number != 0),
        (Condition::Well, Some(weight)) => (within(weight.max(0)), false),
        (Condition::NotWell(_), Some(weight)) => (within(weight.min(0)), false),
        (Condition::Number(number), Some(weight)) => (within(number.saturating_mul(weight)), false),
    }
}

fn within(sum: i64) -> i16 {
    // Far within what an i16 holds.
    i16::try_from(sum.clamp(-FARTHEST, FARTHEST)).unwrap_or_default()
}

fn sentence(what: &Tracked, condition: &Condition) -> String {
    match condition {
        Condition::Unknown => format!("{what} was not looked at yet"),
        Condition::Well => format!("{what} is well"),
        Condition::NotWell(words) => format!("{what} {words}"),
        Condition::Number(number) => format!("{what} has {number} in it"),
    }
}

impl Look<'_> {
    /// What is known of it, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        sentence(&self.track.what, &self.condition)
    }
}
