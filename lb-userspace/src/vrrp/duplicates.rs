//! Other hosts that claim a virtual address while we are MASTER, and when to ask for them. PURE.

use std::time::{Duration, Instant};

use super::frame::Claim;

/// So long after a takeover the old master may still be heard: it learns of us by our first
/// advertisement, and its daemon then removes the addresses. Until then our burst of
/// announcements has the last word anyway; who claims an address later has it for good.
const GRACE: Duration = Duration::from_secs(2);
/// Without a claim for this long it is over.
const SILENCE: Duration = Duration::from_secs(10);
/// Time between questions while there is a duplicate, so that three of them must stay without an
/// answer.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// Least time between two defences. RFC 5227 section 2.4 wants ten seconds of hosts that may give
/// their address up; a director's clients have no other, and this rate harms no link.
const DEFENCE: Duration = Duration::from_secs(1);
/// More are not remembered: somebody who answers for everything fills no memory.
const LIMIT: usize = 8;

/// The duplicates of one instance.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    known: Vec<Known>,
    /// While MASTER: from when on a claim counts.
    watch_from: Option<Instant>,
    /// The next question.
    ask: Option<Instant>,
    defended: Option<Instant>,
}

#[derive(Debug)]
struct Known {
    claim: Claim,
    since: Instant,
    last: Instant,
}

/// What a claim calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    /// It is news.
    pub(super) begins: bool,
    /// Announce the addresses again.
    pub(super) defend: bool,
}

/// A duplicate that is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) claim: Claim,
    pub(super) lasted: Duration,
}

impl Duplicates {
    /// We are MASTER from now on.
    pub(super) fn watch(&mut self, now: Instant) {
        self.watch_from = Some(now + GRACE);
        self.ask = Some(now + GRACE);
    }

    /// We are MASTER no more.
    pub(super) fn stop(&mut self, now: Instant) -> Vec<Gone> {
        let known = std::mem::take(self).known;
        known.into_iter().map(|one| one.gone(now)).collect()
    }

    /// Another host claims one of our addresses.
    pub(super) fn heard(&mut self, claim: Claim, now: Instant) -> Heard {
        if self.watch_from.is_none_or(|from| now < from) {
            return Heard {
                begins: false,
                defend: false,
            };
        }
        let defend = self.defended.is_none_or(|last| now >= last + DEFENCE);
        if defend {
            self.defended = Some(now);
        }
        let room = self.known.len() < LIMIT;
        let known = self.known.iter_mut().find(|known| known.claim == claim);
        let begins = known.is_none() && room;
        if let Some(known) = known {
            known.last = now;
        } else if begins {
            self.known.push(Known {
                claim,
                since: now,
                last: now,
            });
            let soon = now + ASK_AGAIN;
            self.ask = Some(self.ask.map_or(soon, |ask| ask.min(soon)));
        }
        Heard { begins, defend }
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let silent = self.known.iter().map(|known| known.last + SILENCE);
        silent.chain(self.ask).min()
    }

    /// Those that fell silent by `now`.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Gone> {
        let silent = |known: &mut Known| known.last + SILENCE <= now;
        let gone = self.known.extract_if(.., silent);
        gone.map(|one| one.gone(now)).collect()
    }

    /// Whether to ask now who else has the addresses; the next question without duplicates comes
    /// after `refresh`.
    pub(super) fn ask(&mut self, refresh: Option<Duration>, now: Instant) -> bool {
        if self.ask.is_none_or(|ask| now < ask) {
            return false;
        }
        let pause = if self.known.is_empty() {
            refresh
        } else {
            Some(ASK_AGAIN)
        };
        self.ask = pause.map(|pause| now + pause);
        true
    }
}

impl Known {
    fn gone(&self, now: Instant) -> Gone {
        Gone {
            claim: self.claim,
            lasted: now.saturating_duration_since(self.since),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NEWS: Heard = Heard {
        begins: true,
        defend: true,
    };
    const QUIET: Heard = Heard {
        begins: false,
        defend: false,
    };

    fn claim(last: u8) -> Claim {
        Claim {
            address: Ipv4Addr::new(192, 0, 2, 10).into(),
            mac: [2, 0, 0, 0, 0, last],
        }
    }

    fn watching(start: Instant) -> Duplicates {
        let mut duplicates = Duplicates::default();
        duplicates.watch(start);
        duplicates
    }

    #[test]
    fn the_old_masters_last_word_is_no_duplicate() {
        let start = Instant::now();
        assert_eq!(Duplicates::default().heard(claim(1), start), QUIET);
        let mut duplicates = watching(start);
        assert_eq!(duplicates.heard(claim(1), start + GRACE / 2), QUIET);
        assert_eq!(duplicates.heard(claim(1), start + GRACE), NEWS);
    }

    #[test]
    fn begins_once_and_is_defended_at_a_bounded_rate() {
        let start = Instant::now();
        let (mut duplicates, now) = (watching(start), start + GRACE);
        assert_eq!(duplicates.heard(claim(1), now), NEWS);
        assert_eq!(duplicates.heard(claim(1), now + DEFENCE / 2), QUIET);
        let again = duplicates.heard(claim(1), now + DEFENCE);
        assert!(again.defend && !again.begins);
        let other = duplicates.heard(claim(2), now + DEFENCE);
        assert!(other.begins && !other.defend);
    }

    #[test]
    fn ends_by_silence_or_with_our_mastership() {
        let start = Instant::now();
        let (mut duplicates, now) = (watching(start), start + GRACE);
        duplicates.heard(claim(1), now);
        duplicates.heard(claim(1), now + 5 * SECOND);
        duplicates.heard(claim(2), now + 6 * SECOND);
        assert_eq!(duplicates.expire(now + 14 * SECOND), []);
        let gone = |last, lasted| Gone {
            claim: claim(last),
            lasted,
        };
        assert_eq!(duplicates.expire(now + 15 * SECOND), [gone(1, 15 * SECOND)]);
        assert_eq!(duplicates.stop(now + 15 * SECOND), [gone(2, 9 * SECOND)]);
        assert_eq!(duplicates.next_timeout(), None);
    }

    #[test]
    fn asks_after_a_takeover_with_each_refresh_and_while_there_is_one() {
        let start = Instant::now();
        let refresh = Some(60 * SECOND);
        let mut duplicates = watching(start);
        let ask_at_next = |duplicates: &mut Duplicates| {
            let next = duplicates.next_timeout().unwrap();
            assert!(!duplicates.ask(refresh, next - Duration::from_nanos(1)));
            assert!(duplicates.ask(refresh, next));
            (next - start).as_secs()
        };
        assert_eq!(ask_at_next(&mut duplicates), 2);
        assert_eq!(ask_at_next(&mut duplicates), 62);
        duplicates.heard(claim(1), start + 63 * SECOND);
        assert_eq!(ask_at_next(&mut duplicates), 66);
        assert_eq!(ask_at_next(&mut duplicates), 69);
        let mut once = watching(start);
        assert!(once.ask(None, start + GRACE));
        assert_eq!(once.next_timeout(), None);
    }

    #[test]
    fn memory_is_bounded() {
        let start = Instant::now();
        let (mut duplicates, now) = (watching(start), start + GRACE);
        for host in 0..100 {
            let heard = duplicates.heard(claim(host), now);
            assert_eq!(heard.begins, usize::from(host) < LIMIT);
        }
        assert_eq!(duplicates.stop(now).len(), LIMIT);
    }
}
