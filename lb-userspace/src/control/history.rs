//! Through which states each real server went, when and why. PURE.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::{discriminant, take};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::config;
use crate::health::Subject;

use super::orders::{Hold, OrderError, by_hand, subject};
use super::{Control, ServerState};

mod span;

pub use span::span;

/// Transitions of a real server that are remembered.
const ROOM: usize = 100;

/// A real server went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Grows with each of any server.
    pub sequence: u64,
    pub at: SystemTime,
    /// Words of `lvx status`.
    pub from: &'static str,
    pub to: &'static str,
    /// Why; words without a subject of their own.
    pub cause: Arc<str>,
    /// How long it was in the state before.
    pub lasted: Duration,
}

/// A transition, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub subject: Subject,
    pub transition: Transition,
}

/// The states of one real server.
#[derive(Debug, Clone)]
struct Track {
    state: ServerState,
    since: Instant,
    /// Oldest first.
    transitions: Vec<Transition>,
}

impl Track {
    /// Servers fail for the same reason again and again: the words are kept once.
    fn same(&self, cause: String) -> Arc<str> {
        let mut before = self.transitions.iter().rev();
        let same = before.find(|transition| *transition.cause == *cause);
        same.map_or_else(|| cause.into(), |same| Arc::clone(&same.cause))
    }

    fn push(&mut self, transition: Transition) {
        if self.transitions.len() == ROOM {
            self.transitions.remove(0);
        }
        // Most of ten thousand servers have come up once, and that was all.
        self.transitions.reserve_exact(1);
        self.transitions.push(transition);
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct History {
    tracks: BTreeMap<Subject, Track>,
    last: u64,
    /// Something changed since the last look that a state could depend on.
    touched: bool,
}

impl History {
    /// Whatever changes what a server's state depends on says so: thousands of servers are looked
    /// at only then.
    pub(super) const fn touch(&mut self) {
        self.touched = true;
    }

    /// Forgets the servers that are not among these.
    pub(super) fn configure(&mut self, known: &BTreeSet<Subject>) {
        self.tracks.retain(|subject, _| known.contains(subject));
        self.touch();
    }
}

impl Control {
    /// Whether something changed since the last look that the state of a real server depends on.
    #[must_use]
    pub const fn is_touched(&self) -> bool {
        self.history.touched
    }

    /// What became of the real servers since the last call.
    pub fn take_transitions(&mut self, now: Instant, at: SystemTime) -> Vec<Change> {
        if !take(&mut self.history.touched) {
            return Vec::new();
        }
        let mut history = take(&mut self.history);
        let mut changes = Vec::new();
        for service in &self.config.services {
            for server in &service.real_servers {
                let subject = subject(service, server.address);
                let state = self.server_state(service, server);
                let Some(track) = history.tracks.get_mut(&subject) else {
                    let transitions = Vec::new();
                    let since = now;
                    let track = Track {
                        state,
                        since,
                        transitions,
                    };
                    history.tracks.insert(subject, track);
                    continue;
                };
                if discriminant(&state) == discriminant(&track.state) {
                    continue;
                }
                let cause = self.cause((service, server), &subject, &track.state, &state);
                history.last += 1;
                let transition = Transition {
                    sequence: history.last,
                    at,
                    from: track.state.name(),
                    to: state.name(),
                    cause: track.same(cause),
                    lasted: now.saturating_duration_since(track.since),
                };
                (track.state, track.since) = (state, now);
                track.push(transition.clone());
                changes.push(Change {
                    subject,
                    transition,
                });
            }
        }
        self.history = history;
        changes
    }

    /// The transitions of all real servers, or of those of a service, or of one; latest first.
    ///
    /// # Errors
    /// There is no such service or real server.
    pub fn history(
        &self,
        service: Option<&str>,
        server: Option<IpAddr>,
    ) -> Result<Vec<Change>, OrderError> {
        match (service, server) {
            (Some(service), Some(server)) => drop(self.find_server(service, server)?),
            (Some(service), None) => drop(self.find_service(service)?),
            (None, _) => {}
        }
        let tracks = self.history.tracks.iter().filter(|(subject, _)| {
            service.is_none_or(|name| *name == *subject.service)
                && server.is_none_or(|address| address == subject.real_server)
        });
        let changes = tracks.flat_map(|(subject, track)| {
            track.transitions.iter().map(|transition| Change {
                subject: subject.clone(),
                transition: transition.clone(),
            })
        });
        let mut changes: Vec<Change> = changes.collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.transition.sequence));
        Ok(changes)
    }

    fn cause(
        &self,
        (service, server): (&config::Service, &config::RealServer),
        subject: &Subject,
        from: &ServerState,
        to: &ServerState,
    ) -> String {
        let words = match to {
            ServerState::Disabled { .. } => match self.orders.hold(subject) {
                Some(Hold::Disabled { reason }) => return by_hand(reason.as_deref()),
                Some(Hold::Drained { .. }) | None => "by hand",
            },
            ServerState::Draining { .. } => self.why_weightless(subject),
            ServerState::Checking => "no check of it has ended yet",
            ServerState::Up { .. } => match from {
                ServerState::Checking if service.check_of(server).is_none() => "it is not checked",
                ServerState::Checking
                | ServerState::Down { .. }
                | ServerState::Kept { .. }
                | ServerState::Quiesced { .. } => "its check succeeds",
                ServerState::SlowStart { .. } => "its weight has grown",
                ServerState::Resolving => "its MAC address is known",
                ServerState::Unreachable { .. } => "direct routing reaches it",
                ServerState::Draining { .. } | ServerState::Drained => "it gets clients again",
                ServerState::Disabled { .. } => "it is enabled again",
                ServerState::Up { .. } => "",
            },
            ServerState::SlowStart { .. } => "its check succeeds; its weight grows",
            ServerState::Down { .. }
            | ServerState::Resolving
            | ServerState::Unreachable { .. }
            | ServerState::Kept { .. }
            | ServerState::Quiesced { .. }
            | ServerState::Drained => {
                return to.reason().map(Cow::into_owned).unwrap_or_default();
            }
        };
        words.to_owned()
    }
}
