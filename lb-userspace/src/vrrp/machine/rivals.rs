//! Who else advertises while we are MASTER.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::{Effect, down_time};
use crate::vrrp::packet::Advertisement;

/// More are not remembered: a flood of forged sources must cost neither memory nor events.
const MOST: usize = 8;

#[derive(Debug, Clone, Default)]
pub(super) struct Rivals(Vec<Rival>);

#[derive(Debug, Clone)]
struct Rival {
    source: IpAddr,
    since: Instant,
    last_heard: Instant,
    /// After this much silence it is gone.
    patience: Duration,
}

impl Rival {
    fn gone(&self, now: Instant) -> Effect {
        Effect::RivalGone {
            source: self.source,
            lasted: now.saturating_duration_since(self.since),
        }
    }
}

impl Rivals {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.0.iter().map(|one| one.last_heard + one.patience).min()
    }

    /// An advertisement that does not give up. Says so if it begins something.
    pub(super) fn hear(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        now: Instant,
    ) -> Option<Effect> {
        let priority = advertisement.priority;
        let patience = down_time(advertisement.version, priority, advertisement.interval);
        if let Some(known) = self.0.iter_mut().find(|one| one.source == source) {
            known.last_heard = now;
            known.patience = patience;
            return None;
        }
        if self.0.len() == MOST {
            return None;
        }
        self.0.push(Rival {
            source,
            since: now,
            last_heard: now,
            patience,
        });
        Some(Effect::RivalHeard { source, priority })
    }

    /// `source` has given up.
    pub(super) fn end(&mut self, source: IpAddr, now: Instant) -> Option<Effect> {
        let at = self.0.iter().position(|one| one.source == source)?;
        Some(self.0.remove(at).gone(now))
    }

    /// Those that have been silent for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Effect> {
        let silent = |one: &mut Rival| now >= one.last_heard + one.patience;
        let silent = self.0.extract_if(.., silent);
        silent.map(|one| one.gone(now)).collect()
    }

    pub(super) fn end_all(self, now: Instant) -> Vec<Effect> {
        self.0.iter().map(|one| one.gone(now)).collect()
    }
}
