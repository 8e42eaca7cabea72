//! What clients say about real servers: how many of the connections that are sampled get no
//! further than their SYN. PURE, but for the samples themselves, which lie in memory that the
//! program shares.
//!
//! It is a hint and no verdict: a forged SYN has no follower, whatever the server does.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lb_common::layout::ServiceKey;
use lb_common::opened::{Moment, Place, Sample};

/// A SYN that nothing has followed for so long is unanswered, in milliseconds.
const PATIENCE: u64 = 1000;
/// A sample that was counted as unanswered is given up then, in milliseconds.
const FORGET: u64 = 10_000;
/// What is counted.
pub const WINDOW: Duration = Duration::from_secs(10);
/// Looks that are nearer than this are counted as one.
const GRAIN: Duration = Duration::from_millis(250);
/// So many unanswered SYNs are a reason to ask the server itself…
const SUSPICIOUS: u32 = 3;
/// …unless one was answered since.
const ANSWER_COUNTS: Duration = Duration::from_secs(1);

/// What became of a sampled connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Another packet followed its SYN.
    Answered,
    /// None did for a second.
    Unanswered,
    /// It was told to be unanswered, and one did.
    Late,
}

/// Looks through the places: tells, by server's id, what is new, and frees what is told.
pub fn look<'p>(places: impl IntoIterator<Item = &'p Place>, now: Moment) -> Vec<(u32, Seen)> {
    let mut all = Vec::new();
    for place in places {
        let seen = place.word.load();
        let Some(sample) = Sample::from_word(seen) else {
            continue;
        };
        let age = now.since(sample.opened());
        let (new, told) = match (sample.is_followed(), sample.is_counted()) {
            (true, false) => (0, Some(Seen::Answered)),
            (true, true) => (0, Some(Seen::Late)),
            (false, false) if age >= PATIENCE => (sample.counted().word(), Some(Seen::Unanswered)),
            (false, true) if age >= FORGET => (0, None),
            (false, _) => continue,
        };
        // If a packet was faster, it is looked at the next time.
        if place.word.exchange(seen, new) {
            all.extend(told.map(|told| (sample.server(), told)));
        }
    }
    all
}

/// Frees the places of these servers.
pub fn forget<'p>(places: impl IntoIterator<Item = &'p Place>, ids: &[u32]) {
    for place in places {
        let seen = place.word.load();
        if Sample::from_word(seen).is_some_and(|sample| ids.contains(&sample.server())) {
            // A packet was faster: one sample is counted for whoever has the id next.
            let _ = place.word.exchange(seen, 0);
        }
    }
}

/// Sampled connections of a server that were opened within [`WINDOW`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    pub sampled: u32,
    pub unanswered: u32,
}

impl Opened {
    /// In percent, rounded down, but never down to 0.
    #[must_use]
    pub fn share(self) -> u8 {
        if self.unanswered == 0 {
            return 0;
        }
        let share = u64::from(self.unanswered) * 100 / u64::from(self.sampled.max(1));
        share.clamp(1, 100) as u8
    }
}

/// What was seen at about one time.
#[derive(Debug, Clone, Copy)]
struct Grain {
    at: Instant,
    answered: u32,
    unanswered: u32,
}

/// What was seen of one server.
#[derive(Debug, Clone, Default)]
pub struct Window(VecDeque<Grain>);

impl Window {
    pub fn count(&mut self, seen: Seen, now: Instant) {
        self.expire(now);
        let recent = |grain: &Grain| now.saturating_duration_since(grain.at) < GRAIN;
        if !self.0.back().is_some_and(recent) {
            self.0.push_back(Grain {
                at: now,
                answered: 0,
                unanswered: 0,
            });
        }
        if seen == Seen::Late
            && let Some(told) = self.0.iter_mut().rfind(|grain| grain.unanswered > 0)
        {
            told.unanswered -= 1;
        }
        if let Some(last) = self.0.back_mut() {
            match seen {
                Seen::Answered | Seen::Late => last.answered += 1,
                Seen::Unanswered => last.unanswered += 1,
            }
        }
    }

    #[must_use]
    pub fn opened(&self, now: Instant) -> Opened {
        let mut sum = Opened::default();
        for grain in self.0.iter().filter(|grain| !grain.is_over(now)) {
            sum.sampled += grain.answered + grain.unanswered;
            sum.unanswered += grain.unanswered;
        }
        sum
    }

    /// Whether the server should be asked whether it is there.
    #[must_use]
    pub fn is_suspicious(&self, now: Instant) -> bool {
        let recent = |grain: &&Grain| now.saturating_duration_since(grain.at) < ANSWER_COUNTS;
        let answered = self.0.iter().filter(recent).any(|grain| grain.answered > 0);
        !answered && self.opened(now).unanswered >= SUSPICIOUS
    }

    fn expire(&mut self, now: Instant) {
        while self.0.front().is_some_and(|grain| grain.is_over(now)) {
            self.0.pop_front();
        }
    }
}

impl Grain {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= WINDOW
    }
}

/// A real server of a service.
pub type Server = (ServiceKey, IpAddr);

/// The windows of all servers of which something was seen.
#[derive(Debug, Clone, Default)]
pub struct Windows(BTreeMap<Server, Window>);

impl Windows {
    /// Takes what one look told. Returns the servers that should be asked: those with a SYN more
    /// that is unanswered, and too many of them.
    pub fn observe(&mut self, seen: &[(Server, Seen)], now: Instant) -> Vec<(Server, Opened)> {
        let mut worse = Vec::new();
        for (server, seen) in seen {
            self.0.entry(*server).or_default().count(*seen, now);
            if *seen == Seen::Unanswered {
                worse.push(*server);
            }
        }
        self.0.retain(|_, window| {
            window.expire(now);
            !window.0.is_empty()
        });
        worse.sort_unstable();
        worse.dedup();
        let suspicious = |server: Server| {
            let window = self.0.get(&server)?;
            let opened = window.opened(now);
            window.is_suspicious(now).then_some((server, opened))
        };
        worse.into_iter().filter_map(suspicious).collect()
    }

    /// `None`: no connection was sampled lately.
    #[must_use]
    pub fn opened(&self, server: &Server, now: Instant) -> Option<Opened> {
        let opened = self.0.get(server)?.opened(now);
        (opened.sampled > 0).then_some(opened)
    }
}

#[cfg(test)]
mod tests;
