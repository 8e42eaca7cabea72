//! What a VRRP instance's state means for its addresses and services. PURE.

use std::time::{Duration, Instant};

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
    /// addresses and forwards. So it is after a crash of an earlier daemon, and while it stops.
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub state: State,
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

    pub(super) fn event(&mut self, event: &Event, stopping: bool, now: Instant) {
        match event {
            Event::State { state, cause, .. } => {
                self.failure = None;
                self.state = *state;
                self.cause = cause.to_string();
                // The signal reaches the protocol before it reaches control.
                let stopping = stopping || *cause == Cause::Shutdown;
                self.enter(*state, stopping, now);
            }
            Event::LeaderHeard { .. } => {
                if self.serving == Serving::UntilLeader {
                    self.serving = Serving::Fading { until: now + FADE };
                }
            }
            Event::Failed { error, .. } => self.failure = Some(error.clone()),
            Event::Rival { .. }
            | Event::RivalGone { .. }
            | Event::Duplicate { .. }
            | Event::DuplicateGone { .. }
            | Event::Overslept { .. } => {}
        }
    }

    fn enter(&mut self, state: State, stopping: bool, now: Instant) {
        self.unannounced = state == State::Master;
        self.serving = match (state, self.serving) {
            (State::Master, _) => Serving::Master,
            (State::Backup, Serving::Master) => Serving::Fading { until: now + FADE },
            (State::Initialize, Serving::Master) if stopping => Serving::UntilLeader,
            (State::Initialize | State::Fault, Serving::Master) => Serving::Idle,
            (State::Backup | State::Initialize | State::Fault, unchanged) => unchanged,
        };
    }

    pub(super) const fn fades_at(&self) -> Option<Instant> {
        match self.serving {
            Serving::Fading { until } => Some(until),
            Serving::Idle | Serving::Master | Serving::UntilLeader => None,
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.fades_at().is_some_and(|until| until <= now) {
            self.serving = Serving::Idle;
        }
    }
}
