//! VRRP version 2 (RFC 3768) and 3 (RFC 9568), by multicast and unicast.
//!
//! `packet`, `checksum`, `machine`, `group`, `announce` and `frame`, `duplicates` are PURE; `thread`
//! is the one loop that feeds them and carries their effects out.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::config;
use crate::dataplane::table::Mac;

pub mod announce;
pub mod checksum;
mod duplicates;
pub mod frame;
pub mod group;
mod interface;
mod limit;
pub mod machine;
pub mod packet;
#[cfg(test)]
mod simulation;
mod socket;
mod statistics;
mod thread;
mod watch;

pub use machine::Cause;
pub use statistics::Statistics;
pub use thread::{Handle, Realtime};

/// State of an instance on this director, RFC 9568 section 6.3 (where MASTER is "Active").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Takes no part: not started yet, or stopped.
    Initialize,
    /// Takes no part: something that it needs is missing.
    Fault,
    Backup,
    Master,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initialize => "INIT",
            Self::Fault => "FAULT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
        })
    }
}

/// What tracking makes of an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What forces it into FAULT; a sentence.
    pub fault: Option<String>,
    /// Added to the priority, which stays within 1 to 254; an owner's (255) does not change.
    pub adjustment: i16,
}

/// What the daemon tells the protocol thread.
#[derive(Debug, Clone)]
pub enum Command {
    /// The instances that shall run, whole, and their sync groups.
    ///
    /// Unchanged ones are not touched, changed ones keep their state where the change allows it,
    /// removed ones give up mastership. New ones wait in INIT until [`Self::Start`]; one whose
    /// interface, virtual router id, version, family or unicast mode changed begins anew, without
    /// another `Start`.
    Configure {
        instances: Vec<config::Instance>,
        groups: Vec<config::SyncGroup>,
    },
    /// The instance may take part from now on (its forwarding tables are filled).
    Start { instance: String },
    /// The instance gives up mastership and takes no part until the next `Start`: this director
    /// has nothing to forward with.
    Stop { instance: String },
    /// What tracking makes of the instance from now on.
    Stand {
        instance: String,
        standing: Standing,
    },
    /// A MASTER gives way, and follows any other master until there is none or [`Self::Claim`].
    Resign { instance: String },
    /// Ends the effect of [`Self::Resign`].
    Claim { instance: String },
    /// Services are open and the addresses are on the interface: begin the announcements.
    /// Ignored unless MASTER.
    Announce { instance: String },
    /// Give up every mastership now and stop taking part, but keep listening:
    /// [`Event::LeaderHeard`] is still reported.
    Shutdown,
    /// Ends the thread, without a word to the peers.
    Exit,
}

/// What the protocol thread tells the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    State {
        instance: String,
        state: State,
        /// The priority that counts in this state.
        priority: u8,
        cause: Cause,
        at: Instant,
    },
    /// Another director leads, see [`machine::Effect::LeaderHeard`].
    LeaderHeard {
        instance: String,
        source: IpAddr,
        priority: u8,
        at: Instant,
    },
    /// Two masters: `source` advertises while we are MASTER, too, at `own`. Once for each time
    /// that it begins.
    Rival {
        instance: String,
        own: IpAddr,
        source: IpAddr,
        priority: u8,
        at: Instant,
    },
    /// `source` is not heard any more as a second master, or we gave way to it.
    RivalGone {
        instance: String,
        source: IpAddr,
        lasted: Duration,
        at: Instant,
    },
    /// Another host answers for a virtual address while we are MASTER. Once for each time that it
    /// begins.
    Duplicate {
        instance: String,
        address: IpAddr,
        mac: Mac,
        at: Instant,
    },
    /// That host was not heard any more for some time, or we are MASTER no more.
    DuplicateGone {
        instance: String,
        address: IpAddr,
        mac: Mac,
        lasted: Duration,
        at: Instant,
    },
    /// The thread was not scheduled for so long that backups may have lost their masters:
    /// what arrived meanwhile was read, and then they were waited for anew.
    Overslept { by: Duration, at: Instant },
    /// The instance cannot run; said once per cause, and tried again every second.
    Failed { instance: String, error: String },
}

impl Event {
    /// The instance that it is about.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        match self {
            Self::State { instance, .. }
            | Self::LeaderHeard { instance, .. }
            | Self::Rival { instance, .. }
            | Self::RivalGone { instance, .. }
            | Self::Duplicate { instance, .. }
            | Self::DuplicateGone { instance, .. }
            | Self::Failed { instance, .. } => Some(instance),
            Self::Overslept { .. } => None,
        }
    }
}
