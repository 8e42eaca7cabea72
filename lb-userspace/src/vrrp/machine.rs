//! The VRRP state machine of one instance, RFC 9568 section 6.4 and RFC 3768 section 6.4. PURE.
//!
//! It does no I/O and reads no clock: every input comes with the time `now`, every output is an
//! [`Effect`]. The caller reads what has arrived before it calls [`Machine::tick`], and calls that
//! when [`Machine::next_timeout`] is there. A member of a sync group changes its state only
//! together with the others: see [`super::group`].

use std::net::IpAddr;
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use super::State;
use super::packet::Advertisement;
use crate::config::{Preempt, Version};

mod backup;
mod cause;
mod master;
mod member;
mod rivals;
#[cfg(test)]
mod tests;

pub use cause::Cause;

use backup::{Backup, Expiry, Ready};
use master::Master;

/// Priority of an advertisement that gives up mastership.
const RESIGN: u8 = 0;

/// What the machine needs of the configuration, of tracking and of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub version: Version,
    /// What counts now, tracking included.
    pub priority: NonZeroU8,
    /// The configured priority is 255: its preemption cannot be switched off.
    pub owner: bool,
    /// Our own advertisement interval.
    pub interval: Duration,
    pub preempt: Preempt,
    /// Source of our advertisements: breaks ties of priority.
    pub address: IpAddr,
}

impl Settings {
    /// A MASTER of lower priority is never followed.
    fn always_preempts(&self) -> bool {
        self.owner || self.preempt == Preempt::Always
    }
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
    /// Another director leads: in BACKUP and FAULT reported when it is not the one known so far,
    /// in INITIALIZE after a shutdown for each of its advertisements.
    LeaderHeard { source: IpAddr, priority: u8 },
    /// Two masters: `source` advertises while we are MASTER. Once for each time that it begins.
    RivalHeard { source: IpAddr, priority: u8 },
    /// `source` fell silent or gave up, or we are MASTER no more.
    RivalGone { source: IpAddr, lasted: Duration },
    /// A MASTER heard an advertisement that loses against its own: the sender may have announced
    /// the addresses as its own, so announce them again. At most once per interval.
    LowerPriorityHeard,
    /// A timer came so late that this program was not scheduled: nothing was done but to listen
    /// once more.
    Overslept { by: Duration },
}

/// One virtual router on this director.
#[derive(Debug, Clone)]
pub struct Machine {
    settings: Settings,
    phase: Phase,
    /// It shall take part; a member of a group does so when all members shall.
    willing: bool,
    grouped: bool,
    /// After [`Self::resign`]: follows a master of any priority.
    yielding: bool,
}

#[derive(Debug, Clone)]
enum Phase {
    /// `stopped`: it took part before, and still tells who took over.
    Initialize {
        stopped: bool,
    },
    Fault {
        leader: Option<IpAddr>,
    },
    Backup(Backup),
    Master(Master),
}

impl Machine {
    /// A machine in INITIALIZE.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            phase: Phase::Initialize { stopped: false },
            willing: false,
            grouped: false,
            yielding: false,
        }
    }

    pub fn state(&self) -> State {
        match self.phase {
            Phase::Initialize { .. } => State::Initialize,
            Phase::Fault { .. } => State::Fault,
            Phase::Backup(_) => State::Backup,
            Phase::Master(_) => State::Master,
        }
    }

    /// The priority that counts now.
    pub fn priority(&self) -> u8 {
        self.settings.priority.get()
    }

    /// When to call [`Self::tick`]; `None` in INITIALIZE and FAULT, and while a member of a group
    /// waits for the others.
    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Initialize { .. } | Phase::Fault { .. } => None,
            Phase::Backup(backup) => backup.next_timeout(&self.settings),
            Phase::Master(master) => Some(master.next_timeout()),
        }
    }

    /// The Startup event: takes part from now on. Nothing happens if it does already, or if its
    /// group must wait for another member.
    pub fn startup(&mut self, now: Instant) -> Vec<Effect> {
        self.willing = true;
        if self.grouped {
            return Vec::new();
        }
        self.begin(now)
    }

    /// The Shutdown event: a master gives up by an advertisement of priority 0.
    ///
    /// From then on [`Effect::LeaderHeard`] tells who has taken over.
    pub fn shutdown(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        self.willing = false;
        let stopped = Phase::Initialize { stopped: true };
        if self.state() == State::Initialize {
            self.phase = stopped;
            return Vec::new();
        }
        self.leave(stopped, cause, now)
    }

    /// Something that it needs is missing: it takes no part until [`Self::startup`]. A master
    /// gives up by an advertisement of priority 0, if the caller can still send one.
    pub fn fault(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        self.willing = false;
        self.enter_fault(cause, now)
    }

    /// A MASTER gives way: it waits as long as a backup that hears nobody, and follows any other
    /// master until there is none or [`Self::claim`].
    pub fn resign(&mut self, now: Instant) -> Vec<Effect> {
        if self.state() != State::Master {
            return Vec::new();
        }
        self.yielding = true;
        self.leave(Phase::Backup(Backup::new(now)), Cause::Resigned, now)
    }

    /// Ends the effect of [`Self::resign`].
    pub fn claim(&mut self, _now: Instant) -> Vec<Effect> {
        self.yielding = false;
        Vec::new()
    }

    /// An advertisement of another director, checked by [`super::packet::parse`].
    pub fn receive(
        &mut self,
        advertisement: &Advertisement,
        source: IpAddr,
        now: Instant,
    ) -> Vec<Effect> {
        let priority = advertisement.priority;
        let news = match &mut self.phase {
            Phase::Initialize { stopped } => *stopped && priority != RESIGN,
            Phase::Fault { leader } => priority != RESIGN && leader.replace(source) != Some(source),
            Phase::Backup(backup) => {
                backup.receive(advertisement, source, &self.settings, self.yielding, now)
            }
            Phase::Master(master) => {
                let (mut effects, lost) =
                    master.receive(advertisement, source, &self.settings, now);
                if let Some(cause) = lost {
                    let mut backup = Backup::new(now);
                    backup.follow(advertisement, source, now);
                    effects.extend(self.enter(Phase::Backup(backup), cause, now));
                    effects.push(Effect::LeaderHeard { source, priority });
                }
                return effects;
            }
        };
        if news {
            vec![Effect::LeaderHeard { source, priority }]
        } else {
            Vec::new()
        }
    }

    /// Lets the timers run that have expired by `now`.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        match &mut self.phase {
            Phase::Initialize { .. } | Phase::Fault { .. } => Vec::new(),
            Phase::Backup(backup) => match backup.tick(&self.settings, now) {
                Expiry::None => Vec::new(),
                Expiry::Overslept(by) => vec![Effect::Overslept { by }],
                Expiry::Due(_) if self.grouped => {
                    backup.wait_for_group(Ready::Expired);
                    Vec::new()
                }
                Expiry::Due(cause) => self.become_master(cause, now),
            },
            Phase::Master(master) => master.tick(&self.settings, now),
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
        match &mut self.phase {
            Phase::Master(master) => master.advertise_again(&self.settings, now),
            Phase::Initialize { .. } | Phase::Fault { .. } | Phase::Backup(_) => Vec::new(),
        }
    }

    /// From INITIALIZE or FAULT into the election.
    fn begin(&mut self, now: Instant) -> Vec<Effect> {
        match self.phase {
            Phase::Initialize { .. } | Phase::Fault { .. } => (),
            Phase::Backup(_) | Phase::Master(_) => return Vec::new(),
        }
        let mut backup = Backup::new(now);
        if self.settings.owner && !self.yielding {
            if !self.grouped {
                return self.become_master(Cause::Owner, now);
            }
            backup.wait_for_group(Ready::Owner);
        }
        self.enter(Phase::Backup(backup), Cause::Started, now)
    }

    /// The first advertisement goes before the news, so that the peers know soonest.
    fn become_master(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        self.yielding = false;
        let (master, advertisement) = Master::new(&self.settings, now);
        let mut effects = vec![advertisement];
        effects.extend(self.enter(Phase::Master(master), cause, now));
        effects
    }

    fn enter_fault(&mut self, cause: Cause, now: Instant) -> Vec<Effect> {
        if self.state() == State::Fault {
            return Vec::new();
        }
        self.leave(Phase::Fault { leader: None }, cause, now)
    }

    /// Changes the phase; a master tells its backups first that they need not wait.
    fn leave(&mut self, phase: Phase, cause: Cause, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Phase::Master(master) = &self.phase {
            effects.extend(master.give_up());
        }
        effects.extend(self.enter(phase, cause, now));
        effects
    }

    /// Changes the phase; whoever was a rival is none any more.
    fn enter(&mut self, phase: Phase, cause: Cause, now: Instant) -> Vec<Effect> {
        let from = self.state();
        let before = std::mem::replace(&mut self.phase, phase);
        let to = self.state();
        let mut effects = vec![Effect::StateChanged { from, to, cause }];
        if let Phase::Master(master) = before {
            effects.extend(master.end_rivals(now));
        }
        effects
    }
}

/// The RFCs' Skew_Time of a router of `priority`, to the nanosecond: the lower the priority the
/// longer the wait.
fn skew_time(version: Version, priority: u8, active_interval: Duration) -> Duration {
    let unit = match version {
        // RFC 3768 section 6.1 counts in seconds, whatever the interval.
        Version::V2 => Duration::from_secs(1),
        Version::V3 => active_interval,
    };
    unit * (256 - u32::from(priority)) / 256
}

/// The RFCs' Active_Down_Interval: that long a router of `priority` waits for a silent master.
fn down_time(version: Version, priority: u8, active_interval: Duration) -> Duration {
    3 * active_interval + skew_time(version, priority, active_interval)
}
