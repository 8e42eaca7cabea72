//! Random verdicts, times and configurations. What must hold is written down anew here: from the
//! verdicts alone, without the desk's words for them.

use proptest::prelude::*;

use super::*;
use crate::config::{Damping, Manner, OnFailure, Quorum, Share};

const SERVERS: u8 = 5;

#[derive(Debug, Clone, Copy)]
enum Op {
    Verdict(u8, bool),
    Drained(u8, bool),
    Reached(u8, bool),
    Milliseconds(u16),
}

fn op() -> impl Strategy<Value = Op> {
    let server = 0..SERVERS;
    prop_oneof![
        6 => (server.clone(), any::<bool>()).prop_map(|(server, up)| Op::Verdict(server, up)),
        1 => (server.clone(), any::<bool>()).prop_map(|(server, on)| Op::Drained(server, on)),
        1 => (server, any::<bool>()).prop_map(|(server, on)| Op::Reached(server, on)),
        4 => (1u16..4000).prop_map(Op::Milliseconds),
    ]
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![
        (1u16..u16::from(SERVERS)).prop_map(Share::Count),
        (1u8..=90).prop_map(Share::Percent),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let quorum = (share(), 0u16..2).prop_map(|(min_healthy, hysteresis)| Quorum {
        min_healthy,
        hysteresis,
        up: None,
        down: None,
    });
    let damping = (2u16..5, 1u64..20, 1u64..10).prop_map(|(changes, within, hold)| Damping {
        changes,
        within: Duration::from_secs(within),
        hold: Duration::from_secs(hold),
    });
    use prop::option::of as option;
    let parts = (
        option(quorum),
        any::<bool>(),
        option(1u8..=100),
        option(share()),
        option(damping),
    );
    parts.prop_map(
        |(quorum, fallback, panic_threshold, max_down, damping)| Policy {
            quorum,
            fallback: fallback.then(|| address(79)),
            panic_threshold,
            max_down_at_once: max_down,
            flap_damping: damping,
        },
    )
}

fn manner() -> impl Strategy<Value = Manner> {
    let parts = (any::<bool>(), prop::option::of(1u64..20));
    parts.prop_map(|(quiesce, slow_start)| Manner {
        on_failure: if quiesce {
            OnFailure::Quiesce
        } else {
            OnFailure::Remove
        },
        slow_start: slow_start.map(Duration::from_secs),
        ..Manner::default()
    })
}

/// What the test itself knows of the world.
#[derive(Default)]
struct Watcher {
    quorum: Option<bool>,
    panic: bool,
    fallback: bool,
    /// Steps seen last, all = 10, out = 0.
    steps: BTreeMap<IpAddr, u8>,
    /// Verdict, and when it changed.
    verdicts: BTreeMap<IpAddr, (bool, Vec<Instant>)>,
}

impl Watcher {
    fn verdict(&mut self, fact: &Facts, up: bool, now: Instant) {
        let known = self.verdicts.entry(fact.address);
        let (before, changes) = known.or_insert((up, Vec::new()));
        if *before != up {
            changes.push(now);
        }
        *before = up;
    }

    fn told(&mut self, news: &[What]) -> Result<(), TestCaseError> {
        for what in news {
            match *what {
                What::Quorum { has, .. } => {
                    prop_assert_ne!(self.quorum.replace(has), Some(has), "said twice");
                }
                What::Panic { on, .. } => {
                    prop_assert_ne!(std::mem::replace(&mut self.panic, on), on, "said twice");
                }
                What::Fallback { used, .. } => {
                    prop_assert_ne!(std::mem::replace(&mut self.fallback, used), used);
                }
                What::Damped { .. } | What::Calm { .. } => {}
            }
        }
        Ok(())
    }

    /// `now`: when it was judged.
    fn check(&mut self, bench: &Bench, now: Instant) -> Result<(), TestCaseError> {
        let policy = &bench.service.policy;
        let all = bench.facts.len();
        let ruling = |fact: &Facts| bench.desk.ruling(fact.address).unwrap().clone();
        let gets = |fact: &Facts| matches!(ruling(fact), Ruling::In { .. } | Ruling::Kept { .. });
        let fails = |fact: &Facts| matches!(fact.health, Health::Bad(_));

        // What checks took out, without those that get no clients by other orders.
        let out = bench.facts.iter().filter(|fact| {
            let known = fact.health != Health::Open;
            known && !fact.drained && !gets(fact)
        });
        let out = out.count();
        if let Some(limit) = policy.max_down_at_once {
            prop_assert!(out <= limit.at_most(all), "{out} are out");
        }
        // Whoever is healthy and never changed is in, and nobody is in who fails, but for a limit.
        for fact in &bench.facts {
            let (up, changes) = self
                .verdicts
                .get(&fact.address)
                .cloned()
                .unwrap_or_default();
            let steady = policy.flap_damping.is_none_or(|damping| {
                let recent = changes
                    .iter()
                    .filter(|at| now - **at <= damping.within + damping.hold);
                recent.count() < 2
            });
            if up && steady && fact.health == Health::Good {
                let calm = changes.last().is_none_or(|at| {
                    policy
                        .flap_damping
                        .is_none_or(|damping| now - *at >= damping.hold)
                });
                prop_assert!(gets(fact) || !calm, "{fact:?} is out");
            }
            if fails(fact) && gets(fact) {
                let may = policy.max_down_at_once.is_some() || bench.desk.panics();
                prop_assert!(may && !fact.drained, "{fact:?} is used");
            }
        }
        self.check_panic_and_fallback(bench)?;
        self.check_steps(bench)
    }

    fn check_panic_and_fallback(&self, bench: &Bench) -> Result<(), TestCaseError> {
        let policy = &bench.service.policy;
        let is_in = |fact: &&Facts| {
            let ruling = bench.desk.ruling(fact.address).unwrap();
            matches!(ruling, Ruling::In { .. } | Ruling::Kept { .. })
        };
        let usable = |fact: &&Facts| fact.reached == Reached::Yes && !fact.drained;
        let takers = bench.facts.iter().filter(is_in).filter(usable).count();
        let known = bench.facts.iter().all(|fact| fact.health != Health::Open);
        prop_assert_eq!(self.fallback, bench.desk.falls_back());
        prop_assert!(!self.fallback || (takers == 0 && policy.fallback.is_some()));
        if known && policy.fallback.is_some() {
            prop_assert_eq!(self.fallback, takers == 0);
        }
        if self.panic {
            // All that can be used are.
            let tried = bench.facts.iter().filter(usable);
            let tried = tried.filter(|fact| fact.health != Health::Open).count();
            prop_assert_eq!(takers, tried);
        }
        if known {
            let bad = bench.facts.iter().filter(|fact| {
                matches!(fact.health, Health::Bad(_)) || fact.reached != Reached::Yes
            });
            let not_bad = bench.facts.len() - bad.count();
            let threshold = policy.panic_threshold.unwrap_or(0);
            let few = not_bad * 100 < usize::from(threshold) * bench.facts.len();
            // Flapping servers make fewer healthy ones.
            prop_assert!(self.panic || !few, "{not_bad} are healthy, and no panic");
            prop_assert!(!self.panic || few || policy.flap_damping.is_some());
        }
        Ok(())
    }

    /// A weight only grows while its server is healthy.
    fn check_steps(&mut self, bench: &Bench) -> Result<(), TestCaseError> {
        for fact in &bench.facts {
            let step = match bench.desk.ruling(fact.address).unwrap() {
                Ruling::In { step } => {
                    prop_assert!(step.is_none() || fact.manner.slow_start.is_some());
                    step.unwrap_or(10)
                }
                Ruling::Kept { .. } => 10,
                Ruling::Open | Ruling::Quiesced { .. } | Ruling::Out { .. } => 0,
            };
            let before = self.steps.insert(fact.address, step);
            let before = before.unwrap_or(0);
            prop_assert!(step == 0 || step >= before, "{before}, and {step} then");
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_rules_hold(
        policy in policy(),
        manners in prop::collection::vec(manner(), usize::from(SERVERS)),
        ops in prop::collection::vec(op(), 1..80),
    ) {
        let mut service = service("", SERVERS);
        service.policy = policy;
        for (server, manner) in service.real_servers.iter_mut().zip(manners) {
            server.manner = manner;
        }
        let mut bench = Bench::new(service);
        let (mut watcher, mut now) = (Watcher::default(), bench.start);
        for op in ops {
            match op {
                Op::Verdict(server, up) => {
                    let fact = &mut bench.facts[usize::from(server)];
                    let bad = || Health::Bad("refused".to_owned());
                    fact.health = if up { Health::Good } else { bad() };
                    bench.desk.observe(fact.address, up, now);
                    watcher.verdict(fact, up, now);
                }
                Op::Drained(server, on) => bench.facts[usize::from(server)].drained = on,
                Op::Reached(server, on) => {
                    let reached = if on { Reached::Yes } else { Reached::No };
                    bench.facts[usize::from(server)].reached = reached;
                }
                Op::Milliseconds(time) => now += Duration::from_millis(time.into()),
            }
            let news = bench.desk.judge(&bench.service.policy, &bench.facts, now);
            watcher.told(&news)?;
            watcher.check(&bench, now)?;
            // The same again is no news.
            let again = bench.desk.judge(&bench.service.policy, &bench.facts, now);
            prop_assert_eq!(again, vec![]);
            prop_assert!(bench.desk.next_timeout().is_none_or(|at| at > now));
        }
    }
}
