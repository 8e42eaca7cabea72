//! The VRRP state machine of one instance, RFC 9568 section 6.4 and RFC 3768 section 6.4. PURE.
//!
//! It does no I/O and reads no clock: every input comes with the time `now`, every output is an
//! [`Effect`]. The caller calls [`Machine::tick`] when [`Machine::next_timeout`] is there.

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use super::State;
use super::packet::Advertisement;
use crate::config::Version;

mod backup;
mod cause;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use cause::Cause;

use backup::Backup;

/// Priority of the router that owns the addresses: its preemption cannot be switched off.
const OWNER: u8 = 255;
/// Priority of an advertisement that gives up mastership.
const RESIGN: u8 = 0;

/// What the machine needs of the configuration and of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub version: Version,
    pub priority: NonZeroU8,
    /// Our own advertisement interval.
    pub interval: Duration,
    pub preempt: bool,
    /// Source of our advertisements: breaks ties of priority.
    pub address: IpAddr,
}

/// What the caller shall do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send an advertisement with this priority now.
    SendAdvertisement { priority: u8 },
    StateChanged {
        from: State,
        to: State,
        cause: Cause,
    },
    /// Another director leads: in BACKUP reported when it is not the one known so far, in
    /// INITIALIZE after a shutdown for each of its advertisements.
    LeaderHeard { source: IpAddr, priority: u8 },
}

/// One virtual router on this director.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    phase: Phase,
}

#[derive(Debug, Clone)]
enum Phase {
    /// `stopped`: it took part before, and still tells who took over.
    Initialize {
        stopped: bool,
    },
    Backup(Backup),
    Master {
        /// The RFC's Adver_Timer.
        next_advertisement: Instant,
    },
}

impl Machine {
    /// A machine in INITIALIZE.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Initialize { stopped: false },
        }
    }

    pub fn state(&self) -> State {
        match self.phase {
            Phase::Initialize { .. } => State::Initialize,
            Phase::Backup(_) => State::Backup,
            Phase::Master { .. } => State::Master,
        }
    }

    /// When to call [`Self::tick`]; `None` in INITIALIZE.
    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Initialize { .. } => None,
            Phase::Backup(backup) => Some(backup.deadline(&self.settings)),
            Phase::Master { next_advertisement } => Some(*next_advertisement),
        }
    }

    /// The Startup event: takes part from now on. Nothing happens if it does already.
    pub fn startup(&mut self, now: Instant) -> Vec<Effect> {
        match self.phase {
            Phase::Initialize { .. } if self.settings.priority.get() == OWNER => {
                self.become_master(Cause::Owner, now)
            }
            Phase::Initialize { .. } => {
                vec![self.enter(Phase::Backup(Backup::new(now)), Cause::Started)]
            }
            Phase::Backup(_) | Phase::Master { .. } => Vec::new(),
        }
    }

    /// The Shutdown event: a master gives up by an advertisement of priority 0.
    ///
    /// From then on [`Effect::LeaderHeard`] tells who has taken over.
    pub fn shutdown(&mut self, cause: Cause) -> Vec<Effect> {
        let stopped = Phase::Initialize { stopped: true };
        match self.phase {
            Phase::Initialize { .. } => {
                self.phase = stopped;
                Vec::new()
            }
            Phase::Backup(_) => vec![self.enter(stopped, cause)],
            Phase::Master { .. } => vec![
                Effect::SendAdvertisement { priority: RESIGN },
                self.enter(stopped, cause),
            ],
        }
    }

    /// The interface cannot be used: back to INITIALIZE, without a word that nobody would hear.
    pub fn fault(&mut self) -> Vec<Effect> {
        match self.phase {
            Phase::Initialize { .. } => Vec::new(),
            Phase::Backup(_) | Phase::Master { .. } => {
                vec![self.enter(Phase::Initialize { stopped: false }, Cause::InterfaceLost)]
            }
        }
    }

    /// An advertisement of another director, checked by [`super::packet::parse`].
    pub fn receive(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        now: Instant,
    ) -> Vec<Effect> {
        let priority = advertisement.priority;
        let own = self.settings.priority.get();
        match &mut self.phase {
            Phase::Initialize { stopped } => {
                if *stopped && priority != RESIGN {
                    vec![Effect::LeaderHeard { source, priority }]
                } else {
                    Vec::new()
                }
            }
            Phase::Backup(backup) => {
                let preempt = self.settings.preempt || own == OWNER;
                if priority == RESIGN {
                    backup.timer_set = now;
                    backup.resigned = Some(source);
                } else if preempt && priority < own {
                    backup.outranked = Some((source, priority));
                } else if backup.follow(advertisement, source, now) {
                    return vec![Effect::LeaderHeard { source, priority }];
                }
                Vec::new()
            }
            Phase::Master { next_advertisement } => {
                if priority == RESIGN {
                    *next_advertisement = now + self.settings.interval;
                    return vec![Effect::SendAdvertisement { priority: own }];
                }
                let cause = if priority > own {
                    Cause::HigherPriority { source, priority }
                } else if priority == own && source > self.settings.address {
                    Cause::HigherAddress { source, priority }
                } else {
                    // RFC 9568 section 6.4.3: assert ourselves at once, the timer runs on.
                    return vec![Effect::SendAdvertisement { priority: own }];
                };
                let mut backup = Backup::new(now);
                backup.follow(advertisement, source, now);
                vec![
                    self.enter(Phase::Backup(backup), cause),
                    Effect::LeaderHeard { source, priority },
                ]
            }
        }
    }

    /// Lets the timers run that have expired by `now`.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        if self.next_timeout().is_none_or(|timeout| timeout > now) {
            return Vec::new();
        }
        match &self.phase {
            Phase::Initialize { .. } => Vec::new(),
            Phase::Backup(backup) => {
                let cause = backup.expiry();
                self.become_master(cause, now)
            }
            Phase::Master { .. } => vec![self.advertise(now)],
        }
    }

    /// Takes other settings and keeps the state; a master tells its backups at once.
    ///
    /// The version must be the same: another version is another virtual router.
    pub fn reconfigure(&mut self, settings: Settings, now: Instant) -> Vec<Effect> {
        if self.settings == settings {
            return Vec::new();
        }
        self.settings = settings;
        match self.phase {
            Phase::Initialize { .. } | Phase::Backup(_) => Vec::new(),
            Phase::Master { .. } => vec![self.advertise(now)],
        }
    }

    fn advertise(&mut self, now: Instant) -> Effect {
        self.phase = Phase::Master {
            next_advertisement: now + self.settings.interval,
        };
        Effect::SendAdvertisement {
            priority: self.settings.priority.get(),
        }
    }

    /// The first advertisement goes before the news, so that the peers know soonest.
    fn become_master(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        let from = self.state();
        let advertisement = self.advertise(now);
        let to = self.state();
        vec![advertisement, Effect::StateChanged { from, to, cause }]
    }

    fn enter(&mut self, phase: Phase, cause: Cause) -> Effect {
        let from = self.state();
        self.phase = phase;
        let to = self.state();
        Effect::StateChanged { from, to, cause }
    }
}
