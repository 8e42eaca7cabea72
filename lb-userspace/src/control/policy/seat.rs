//! What is remembered of one real server of a service. PURE.

use std::time::Instant;

use crate::config::{self, Damping, Manner};

use super::damping::Flaps;
use super::facts::{Health, Ruling};
use super::ramp;

/// What is remembered of a server.
#[derive(Debug, Clone, Default)]
pub(super) struct Seat {
    /// Its last verdict.
    up: Option<bool>,
    flaps: Flaps,
    damped: bool,
    /// It fails; servers that began to earlier have lower numbers.
    pub(super) failing: Option<u64>,
    /// Its check took it out.
    pub(super) out: bool,
    /// It got clients, or none, when it was judged last; `None`: it was not known.
    was_in: Option<bool>,
    /// It came up, and its weight grows since.
    grows: Option<Instant>,
    pub(super) ruling: Option<Ruling>,
}

impl Seat {
    /// `was_in`: whether it got clients before; `None`: that is not known.
    pub(super) fn new(was_in: Option<bool>) -> Self {
        Self {
            was_in,
            ..Self::default()
        }
    }

    pub(super) fn observe(&mut self, up: bool, at: Instant) {
        let changed = self.up.replace(up).is_some_and(|before| before != up);
        self.flaps.observe(up, changed, at);
    }

    pub(super) const fn is_damped(&self) -> bool {
        self.damped
    }

    /// Why it is not healthy; `None` if it is, or if that is open.
    pub(super) fn fault(
        &mut self,
        health: &Health,
        damping: Option<Damping>,
        now: Instant,
    ) -> Option<String> {
        match health {
            Health::Open => {}
            Health::Good => self.up = Some(true),
            Health::Bad(_) => self.up = Some(false),
        }
        self.damped = self.flaps.follow(damping, now);
        let words = damping.filter(|_| self.damped).map(why_damped);
        match (health, words) {
            (Health::Open, _) | (Health::Good, None) => None,
            (Health::Good, Some(words)) => Some(words),
            (Health::Bad(reason), None) => Some(reason.clone()),
            (Health::Bad(reason), Some(words)) => Some(format!("{reason}; {words}")),
        }
    }

    /// The ruling, with the step that the weight has reached.
    pub(super) fn grown(&mut self, ruling: Ruling, manner: Manner, now: Instant) -> Ruling {
        let healthy = matches!(ruling, Ruling::In { .. });
        if !healthy || manner.slow_start.is_none() {
            self.grows = None;
        } else if self.was_in == Some(false) {
            self.grows = Some(now);
        }
        if ruling != Ruling::Open {
            self.was_in = Some(ruling.is_in());
        }
        let Some((since, slow_start)) = self.grows.zip(manner.slow_start) else {
            return ruling;
        };
        let step = ramp::step(now.saturating_duration_since(since), slow_start);
        if step.is_none() {
            self.grows = None;
        }
        Ruling::In { step }
    }

    /// When time alone changes something.
    pub(super) fn next_timeout(&self, damping: Option<Damping>, manner: Manner) -> Option<Instant> {
        let calm = self.flaps.next_timeout(damping);
        calm.into_iter().chain(self.next_step(manner)).min()
    }

    fn next_step(&self, manner: Manner) -> Option<Instant> {
        let (since, slow_start) = self.grows.zip(manner.slow_start)?;
        let Some(Ruling::In { step: Some(step) }) = self.ruling else {
            return None;
        };
        since.checked_add(ramp::end(step, slow_start))
    }
}

fn why_damped(damping: Damping) -> String {
    let Damping {
        changes,
        within,
        hold,
    } = damping;
    let (within, hold) = (config::show_duration(within), config::show_duration(hold));
    format!(
        "it changed {changes} times within {within}: down until it has been healthy for {hold} \
         without a break"
    )
}
