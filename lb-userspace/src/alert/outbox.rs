//! What is to be sent to a target, and when: events in, messages out. PURE.
//!
//! Events are collected for the time of a group, then they are a message. Messages beyond the
//! rate are not made: their events stay in the group, which tells of them all when the rate
//! allows. One message at a time is under way, the others wait for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::Pace;
use crate::events::Entry;

use super::backoff::Backoff;
use super::digest::Digest;
use super::message::Message;
use super::topic::News;

/// Messages that wait, the one under way included.
pub(super) const ROOM: usize = 100;
/// A message that could not be sent for so long is given up.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// It may work another time, not before `after`.
    Later {
        why: String,
        after: Option<Duration>,
    },
    /// The target will not have this message.
    Never {
        why: String,
    },
}

/// What the operator should know of; told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    Failing { why: String, retried: bool },
    Recovered { lost: u64 },
}

/// Of messages, since the daemon's start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) sent: u64,
    /// Refused, or given up.
    pub(super) failed: u64,
    /// There was no room for them, or no time at the end.
    pub(super) dropped: u64,
}

struct Waiting {
    message: Message,
    made: Instant,
    tries: u32,
}

struct Group {
    digest: Digest,
    closes: Instant,
}

pub(super) struct Outbox {
    pace: Pace,
    /// Begin of all ids.
    prefix: String,
    made: u64,
    group: Option<Group>,
    waiting: VecDeque<Waiting>,
    /// The first of `waiting` is.
    under_way: bool,
    next_try: Option<Instant>,
    /// When messages were tried first, as far back as the rate looks.
    begun: VecDeque<Instant>,
    backoff: Backoff,
    closing: bool,
    failing: bool,
    counts: Counts,
    /// Events that were lost and that no message has told of yet.
    untold: u64,
    lost: u64,
    lost_at_turn: u64,
}

impl Outbox {
    /// `prefix` makes the ids of its messages different from all others.
    pub(super) fn new(pace: Pace, prefix: String, seed: u64) -> Self {
        Self {
            pace,
            prefix,
            made: 0,
            group: None,
            waiting: VecDeque::new(),
            under_way: false,
            next_try: None,
            begun: VecDeque::new(),
            backoff: Backoff::new(seed),
            closing: false,
            failing: false,
            counts: Counts::default(),
            untold: 0,
            lost: 0,
            lost_at_turn: 0,
        }
    }

    pub(super) fn set_pace(&mut self, pace: Pace, now: Instant) {
        self.pace = pace;
        if let Some(group) = &mut self.group {
            group.closes = group.closes.min(now + pace.group);
        }
    }

    pub(super) fn take(&mut self, entry: Arc<Entry>, news: News, now: Instant) {
        let group = self.group.get_or_insert_with(|| Group {
            digest: Digest::default(),
            closes: now + self.pace.group,
        });
        group.digest.push(entry, news);
    }

    /// Events never came here: there was no room for them on the way.
    pub(super) fn lose(&mut self, events: u64) {
        self.untold += events;
        self.lost += events;
    }

    /// From now on nothing waits for its group or the rate.
    pub(super) fn close(&mut self, now: Instant) {
        self.closing = true;
        self.next_try = Some(now);
    }

    /// The message that is to be sent now, if there is one. Its end comes back by
    /// [`Self::done`].
    pub(super) fn poll(&mut self, now: Instant) -> Option<Message> {
        self.forget(now);
        self.end_group(now);
        if self.under_way {
            return None;
        }
        let allowed = self.closing || self.allowance() > 0;
        let first = self.waiting.front_mut()?;
        if first.tries > 0 {
            if self.next_try.is_some_and(|at| at > now) {
                return None;
            }
        } else {
            if !allowed {
                return None;
            }
            self.begun.push_back(now);
            first.message.dropped = std::mem::take(&mut self.untold);
        }
        self.under_way = true;
        Some(first.message.clone())
    }

    /// When to [`Self::poll`] again at the latest, if nothing happens before.
    pub(super) fn wake(&self) -> Option<Instant> {
        let free = || {
            let rate = self.pace.rate.filter(|_| !self.closing)?;
            Some(*self.begun.front()? + rate.per)
        };
        let full = self.allowance() <= self.untried();
        let group = self.group.as_ref().and_then(|group| match full {
            // If the rate is used up by messages that wait, their end is what counts.
            true => free().map(|free| free.max(group.closes)),
            false => Some(group.closes),
        });
        let first = self.waiting.front().filter(|_| !self.under_way);
        let first = first.and_then(|first| match first.tries {
            0 => free(),
            _ => self.next_try,
        });
        group.into_iter().chain(first).min()
    }

    /// The message that [`Self::poll`] gave is at an end, for this time.
    pub(super) fn done(&mut self, outcome: Outcome, now: Instant) -> Option<Turn> {
        self.under_way = false;
        self.next_try = None;
        match outcome {
            Outcome::Sent => {
                self.waiting.pop_front()?;
                self.counts.sent += 1;
                let was = std::mem::replace(&mut self.failing, false);
                let lost = self.lost - self.lost_at_turn;
                was.then_some(Turn::Recovered { lost })
            }
            Outcome::Never { why } => {
                self.fail();
                self.turn(why, false)
            }
            Outcome::Later { why, after } => {
                let first = self.waiting.front_mut()?;
                first.tries += 1;
                if now.duration_since(first.made) >= LIFE {
                    self.fail();
                } else {
                    let wait = self.backoff.after(first.tries, after);
                    self.next_try = Some(now + wait);
                }
                self.turn(why, true)
            }
        }
    }

    /// All that is left is given up; messages and events.
    pub(super) fn abandon(&mut self, now: Instant) -> (u64, u64) {
        let lost = self.lost;
        if let Some(group) = self.group.take() {
            self.push(group.digest, now);
        }
        let messages = self.waiting.len() as u64;
        while let Some(waiting) = self.waiting.pop_front() {
            self.drop_message(&waiting);
        }
        (messages, self.lost - lost)
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Messages that wait, and one that is being collected.
    pub(super) fn queued(&self) -> u64 {
        (self.waiting.len() + usize::from(self.group.is_some())) as u64
    }

    fn end_group(&mut self, now: Instant) {
        let due = |group: &Group| self.closing || group.closes <= now;
        if !self.group.as_ref().is_some_and(due) {
            return;
        }
        if !self.closing && self.allowance() <= self.untried() {
            return;
        }
        if let Some(group) = self.group.take() {
            self.push(group.digest, now);
        }
    }

    fn push(&mut self, digest: Digest, now: Instant) {
        if self.waiting.len() == ROOM {
            let oldest = usize::from(self.under_way);
            if let Some(waiting) = self.waiting.remove(oldest) {
                self.drop_message(&waiting);
            }
        }
        self.made += 1;
        let id = format!("{}.{}", self.prefix, self.made);
        self.waiting.push_back(Waiting {
            message: Message::new(id, digest),
            made: now,
            tries: 0,
        });
    }

    fn drop_message(&mut self, waiting: &Waiting) {
        self.counts.dropped += 1;
        self.forgo(waiting);
    }

    fn fail(&mut self) {
        if let Some(waiting) = self.waiting.pop_front() {
            self.counts.failed += 1;
            self.forgo(&waiting);
        }
    }

    /// What it would have told is what the next one tells the number of.
    fn forgo(&mut self, waiting: &Waiting) {
        let events = waiting.message.digest.events();
        self.lost += events;
        self.untold += events + waiting.message.dropped;
    }

    fn turn(&mut self, why: String, retried: bool) -> Option<Turn> {
        if std::mem::replace(&mut self.failing, true) {
            return None;
        }
        self.lost_at_turn = self.lost;
        Some(Turn::Failing { why, retried })
    }

    fn forget(&mut self, now: Instant) {
        let per = self.pace.rate.map_or(Duration::ZERO, |rate| rate.per);
        while self.begun.front().is_some_and(|at| *at + per <= now) {
            self.begun.pop_front();
        }
    }

    /// First tries that the rate allows now.
    fn allowance(&self) -> usize {
        self.pace.rate.map_or(usize::MAX, |rate| {
            (rate.count as usize).saturating_sub(self.begun.len())
        })
    }

    fn untried(&self) -> usize {
        let untried = self.waiting.iter().filter(|one| one.tries == 0);
        let first = usize::from(self.under_way);
        // The first one has begun although its try is not over.
        let begun = self.waiting.iter().take(first).filter(|one| one.tries == 0);
        untried.count() - begun.count()
    }
}

#[cfg(test)]
mod tests;
