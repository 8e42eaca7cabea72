//! What a VRRP instance's state means for its addresses and services. PURE.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::dataplane::table::Mac;
use crate::vrrp::{Cause, Event, State};

/// Time for which packets that still come here are forwarded after another director took over.
///
/// The new MASTER's first advertisement leaves a moment before its announcement, and a client
/// may act on the old ARP entry a moment longer. Only frames to our own MAC are forwarded, so
/// nothing is sent twice.
pub(super) const FADE: Duration = Duration::from_millis(250);

/// What this director does for an instance's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serving {
    /// Passes their packets to the kernel.
    Idle,
    /// It is MASTER: holds the addresses and forwards.
    Master,
    /// It is not MASTER any more, or not yet again, but nobody else is known to be: holds the
    /// addresses and forwards. So it is after a crash of an earlier daemon, while it stops, and
    /// while it resigns.
    UntilLeader,
    /// Another director leads: the addresses are gone, stray packets are forwarded.
    Fading { until: Instant },
}

impl Serving {
    /// Whether the virtual addresses belong on the interface.
    #[must_use]
    pub const fn holds_addresses(self) -> bool {
        match self {
            Self::Master | Self::UntilLeader => true,
            Self::Idle | Self::Fading { .. } => false,
        }
    }
}

/// A director that advertises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    pub source: IpAddr,
    pub priority: u8,
}

/// A second master that is heard now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rival {
    pub priority: u8,
    pub since: Instant,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub state: State,
    /// When it entered it.
    pub since: Instant,
    /// Who leads, if it is known and not us.
    pub leader: Option<Leader>,
    pub rivals: BTreeMap<IpAddr, Rival>,
    /// Other hosts that answer for a virtual address, and since when.
    pub duplicates: BTreeMap<(IpAddr, Mac), Instant>,
    /// It gave way by hand, and has not been MASTER since.
    pub resigned: bool,
    /// Why it is in this state.
    pub cause: String,
    /// Why it cannot take part, if it cannot.
    pub failure: Option<String>,
    pub serving: Serving,
    pub(super) configured_at: Instant,
    /// It takes part in elections.
    pub(super) started: bool,
    /// It became MASTER, and its addresses were not announced yet.
    pub(super) unannounced: bool,
}

impl Instance {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: State::Initialize,
            since: now,
            leader: None,
            rivals: BTreeMap::new(),
            duplicates: BTreeMap::new(),
            resigned: false,
            cause: "waiting for the first verdict on its real servers".to_owned(),
            failure: None,
            serving: Serving::Idle,
            configured_at: now,
            started: false,
            unannounced: false,
        }
    }

    pub(super) fn inherit(&mut self) {
        self.serving = Serving::UntilLeader;
    }

    /// Its addresses changed: a MASTER announces them.
    pub(super) fn announce_again(&mut self) {
        self.unannounced = self.state == State::Master;
    }

    pub(super) fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::State {
                state, cause, at, ..
            } => {
                self.failure = None;
                self.cause = cause.to_string();
                self.since = *at;
                self.follow_leader(*state, cause);
                self.enter(*state, cause, now);
            }
            Event::LeaderHeard {
                source, priority, ..
            } => {
                self.leader = Some(Leader {
                    source: *source,
                    priority: *priority,
                });
                if self.serving == Serving::UntilLeader {
                    self.serving = Serving::Fading { until: now + FADE };
                }
            }
            Event::Failed { error, .. } => self.failure = Some(error.clone()),
            Event::Rival {
                source,
                priority,
                at,
                ..
            } => {
                let (priority, since) = (*priority, *at);
                self.rivals.insert(*source, Rival { priority, since });
            }
            Event::RivalGone { source, .. } => {
                self.rivals.remove(source);
            }
            Event::Duplicate {
                address, mac, at, ..
            } => {
                self.duplicates.insert((*address, *mac), *at);
            }
            Event::DuplicateGone { address, mac, .. } => {
                self.duplicates.remove(&(*address, *mac));
            }
            Event::Overslept { .. } => {}
        }
    }

    fn follow_leader(&mut self, state: State, cause: &Cause) {
        // Told anew only when it is another one.
        if let Cause::HigherPriority { source, priority }
        | Cause::HigherAddress { source, priority } = cause
        {
            self.leader = Some(Leader {
                source: *source,
                priority: *priority,
            });
        } else if state == State::Master {
            self.leader = None;
        }
        if *cause == Cause::Resigned {
            self.resigned = true;
        } else if state == State::Master {
            self.resigned = false;
        }
    }

    fn enter(&mut self, state: State, cause: &Cause, now: Instant) {
        self.state = state;
        self.unannounced = state == State::Master;
        let fading = Serving::Fading { until: now + FADE };
        self.serving = match (state, self.serving, cause) {
            (State::Master, _, _) => Serving::Master,
            // Whether there is a backup will be seen: a member of a group gives way with it.
            (State::Backup, Serving::Master, Cause::Resigned | Cause::Group { .. })
            | (State::Initialize, Serving::Master, Cause::Shutdown) => Serving::UntilLeader,
            (State::Backup | State::Fault, Serving::Master, _)
            | (State::Fault, Serving::UntilLeader, Cause::Tracked(_)) => fading,
            (State::Initialize, Serving::Master, _) => Serving::Idle,
            (State::Backup | State::Initialize | State::Fault, unchanged, _) => unchanged,
        };
    }

    pub(super) const fn fades_at(&self) -> Option<Instant> {
        match self.serving {
            Serving::Fading { until } => Some(until),
            Serving::Idle | Serving::Master | Serving::UntilLeader => None,
        }
    }

    /// Tells whether that changes anything.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let over = self.fades_at().is_some_and(|until| until <= now);
        if over {
            self.serving = Serving::Idle;
        }
        over
    }
}
