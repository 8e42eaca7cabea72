//! VRRP version 2 (RFC 3768) and 3 (RFC 9568) over IPv4 multicast.
//!
//! `packet`, `checksum`, `machine`, `announce` and the frame builder of `arp` are PURE; `thread`
//! is the one loop that feeds them and carries their effects out.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Instant;

use crate::config;

pub mod announce;
pub mod arp;
pub mod checksum;
mod interface;
mod limit;
pub mod machine;
pub mod packet;
mod socket;
mod statistics;
mod thread;

pub use statistics::Statistics;
pub use thread::Handle;

/// State of an instance on this director, RFC 9568 section 6.3 (where MASTER is "Active").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Initialize,
    Backup,
    Master,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Initialize => "INIT",
            Self::Backup => "BACKUP",
            Self::Master => "MASTER",
        })
    }
}

/// What the daemon tells the protocol thread.
#[derive(Debug, Clone)]
pub enum Command {
    /// The instances that shall run, whole.
    ///
    /// Unchanged ones are not touched, changed ones keep their state where the change allows it,
    /// removed ones give up mastership. New ones wait in INIT until [`Self::Start`]; one whose
    /// interface, virtual router id or version changed begins anew, without another `Start`.
    Configure(Vec<config::Instance>),
    /// The instance may take part from now on (its forwarding tables are filled).
    Start { instance: String },
    /// The instance gives up mastership and takes no part until the next `Start`: this director
    /// has nothing to forward with.
    Stop { instance: String },
    /// Services are open and the addresses are on the interface: begin the gratuitous ARP burst.
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
        /// A sentence for the operator.
        cause: String,
        at: Instant,
    },
    /// Another director leads, see [`machine::Effect::LeaderHeard`].
    LeaderHeard {
        instance: String,
        source: Ipv4Addr,
        priority: u8,
        at: Instant,
    },
    /// The instance cannot run; said once per cause, and tried again every second.
    Failed { instance: String, error: String },
}
