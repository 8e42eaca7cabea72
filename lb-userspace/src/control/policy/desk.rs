//! What follows from the verdicts on one service's real servers. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use crate::config::{Policy, Share};

use super::count::Count;
use super::facts::{Facts, Health, Reached, Ruling};
use super::news::What;
use super::seat::Seat;

/// The servers of one service.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    seats: BTreeMap<IpAddr, Seat>,
    failures: u64,
    judged: bool,
    count: Count,
    quorum: Option<bool>,
    panic: bool,
    fallback: bool,
    wake: Option<Instant>,
    /// Some server is used for something else since the last look.
    changed: bool,
}

impl Desk {
    /// Takes a verdict.
    pub(super) fn observe(&mut self, server: IpAddr, up: bool, at: Instant) {
        self.seats.entry(server).or_default().observe(up, at);
    }

    /// Judges the service's servers, which are all that `facts` are about; what is new.
    pub(super) fn judge(&mut self, policy: &Policy, facts: &[Facts], now: Instant) -> Vec<What> {
        let mut news = Vec::new();
        self.seat(facts);
        let faults = self.damp(policy, facts, now, &mut news);
        self.tally(policy, facts, &faults, &mut news);
        self.limit(policy, facts, &faults);
        for (fact, fault) in facts.iter().zip(faults) {
            self.rule(policy, fact, fault, now);
        }
        self.fall_back(policy, facts, &mut news);
        self.judged = true;
        self.wake = self.next(policy, facts);
        news
    }

    /// One seat for each server.
    fn seat(&mut self, facts: &[Facts]) {
        for fact in facts {
            // A server that is added to a service comes up; at the daemon's start they were up.
            let new = || Seat::new(self.judged.then_some(false));
            self.seats.entry(fact.address).or_insert_with(new);
        }
        if self.seats.len() > facts.len() {
            let known: BTreeSet<IpAddr> = facts.iter().map(|fact| fact.address).collect();
            self.seats.retain(|address, _| known.contains(address));
        }
    }

    /// Why each server is not healthy, in the order of `facts`; `None` if it is, or that is open.
    fn damp(
        &mut self,
        policy: &Policy,
        facts: &[Facts],
        now: Instant,
        news: &mut Vec<What>,
    ) -> Vec<Option<String>> {
        let damping = policy.flap_damping;
        let fault = |fact: &Facts| {
            // It was seated above.
            let seat = self.seats.entry(fact.address).or_default();
            let before = seat.is_damped();
            let fault = seat.fault(&fact.health, damping, now);
            let server = fact.address;
            match (before, seat.is_damped(), damping) {
                (false, true, Some(damping)) => news.push(What::Damped { server, damping }),
                (true, false, _) => news.push(What::Calm { server }),
                (false, _, _) | (true, true, _) => {}
            }
            fault
        };
        facts.iter().map(fault).collect()
    }

    fn tally(
        &mut self,
        policy: &Policy,
        facts: &[Facts],
        faults: &[Option<String>],
        news: &mut Vec<What>,
    ) {
        self.count = Count {
            total: facts.len(),
            ..Count::default()
        };
        for (fact, fault) in facts.iter().zip(faults) {
            match (&fact.health, fault, fact.reached) {
                (Health::Open, ..) | (Health::Good, None, Reached::NotYet) => self.count.open += 1,
                (Health::Good, None, Reached::Yes) => self.count.healthy += 1,
                (Health::Good | Health::Bad(_), ..) => {}
            }
        }
        let (count, before) = (self.count, self.panic);
        let percent = policy.panic_threshold;
        self.panic = percent.is_some_and(|percent| count.panic(before, percent));
        if before != self.panic {
            let on = self.panic;
            news.push(What::Panic { on, count, percent });
        }
        let before = self.quorum;
        let needed = policy.quorum.as_ref().map(|one| one.needed(count.total));
        self.quorum = needed.and_then(|needed| count.quorum(before, needed));
        if let (Some(has), Some((needed, regain))) = (self.quorum, needed)
            && before != Some(has)
        {
            news.push(What::Quorum {
                has,
                count,
                needed,
                regain,
            });
        }
    }

    /// Whose check takes them out: those that are out already, then those that fail for longest.
    fn limit(&mut self, policy: &Policy, facts: &[Facts], faults: &[Option<String>]) {
        let mut candidates = Vec::new();
        for (fact, fault) in facts.iter().zip(faults) {
            let Some(seat) = self.seats.get_mut(&fact.address) else {
                continue;
            };
            if fault.is_none() {
                seat.failing = None;
            } else if seat.failing.is_none() {
                self.failures += 1;
                seat.failing = Some(self.failures);
            }
            // One that gets no clients anyway takes nobody's place.
            if let (Some(since), false) = (seat.failing, fact.drained) {
                candidates.push((!seat.out, since, fact.address));
            }
            seat.out = false;
        }
        candidates.sort_unstable();
        let limit = policy.max_down_at_once;
        let limit = limit.map_or(usize::MAX, |limit| limit.at_most(facts.len()));
        for (_, _, address) in candidates.into_iter().take(limit) {
            if let Some(seat) = self.seats.get_mut(&address) {
                seat.out = true;
            }
        }
    }

    fn rule(&mut self, policy: &Policy, fact: &Facts, fault: Option<String>, now: Instant) {
        let Some(seat) = self.seats.get_mut(&fact.address) else {
            return;
        };
        let ruling = match (fault, policy.panic_threshold.filter(|_| self.panic)) {
            (None, _) if fact.health == Health::Open => Ruling::Open,
            (None, _) => Ruling::In { step: None },
            (Some(reason), Some(percent)) if !fact.drained => Ruling::Kept {
                reason: format!("{reason}; used nevertheless: fewer than {percent}% are healthy"),
            },
            (Some(reason), _) if !fact.drained && !seat.out => {
                let limit = policy.max_down_at_once.map(Share::show);
                let limit = limit.unwrap_or_default();
                Ruling::Kept {
                    reason: format!("{reason}; kept by max_down_at_once = {limit}"),
                }
            }
            (Some(reason), _) => Ruling::failed(reason, fact.manner),
        };
        let ruling = Some(seat.grown(ruling, fact.manner, now));
        self.changed |= seat.ruling != ruling;
        seat.ruling = ruling;
    }

    fn fall_back(&mut self, policy: &Policy, facts: &[Facts], news: &mut Vec<What>) {
        let takers = facts.iter().filter(|fact| !fact.drained);
        let (mut takes, mut open) = (false, false);
        for fact in takers {
            let ruling = self.ruling(fact.address);
            let is_in = ruling.is_some_and(Ruling::is_in);
            takes |= is_in && fact.reached == Reached::Yes;
            open |= ruling == Some(&Ruling::Open) || (is_in && fact.reached == Reached::NotYet);
        }
        let before = self.fallback;
        self.fallback = policy.fallback.is_some() && !takes && (before || !open);
        if let (Some(server), true) = (policy.fallback, before != self.fallback) {
            let used = self.fallback;
            news.push(What::Fallback { server, used });
        }
    }

    fn next(&self, policy: &Policy, facts: &[Facts]) -> Option<Instant> {
        let of = |fact: &Facts| {
            let seat = self.seats.get(&fact.address)?;
            seat.next_timeout(policy.flap_damping, fact.manner)
        };
        facts.iter().filter_map(of).min()
    }

    /// What the server is used for; `None`: it was not judged yet.
    #[must_use]
    pub(super) fn ruling(&self, server: IpAddr) -> Option<&Ruling> {
        self.seats.get(&server)?.ruling.as_ref()
    }

    /// `None`: not known yet, or not asked for.
    #[must_use]
    pub(super) const fn quorum(&self) -> Option<bool> {
        self.quorum
    }

    /// Too few are healthy: all are used.
    #[must_use]
    pub(super) const fn panics(&self) -> bool {
        self.panic
    }

    /// Nobody takes clients but the fallback.
    #[must_use]
    pub(super) const fn falls_back(&self) -> bool {
        self.fallback
    }

    /// Whether some server is used for something else since the last call.
    pub(super) const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// When time alone will change something next.
    #[must_use]
    pub(super) const fn next_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
