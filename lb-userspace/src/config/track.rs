//! `track` of a VRRP instance: what its priority, or its taking part, hangs on.

use std::net::IpAddr;
use std::num::{NonZeroI16, NonZeroU16};
use std::path::PathBuf;
use std::time::Duration;

use super::Script;

/// One thing that is watched, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    pub what: Tracked,
    /// −253 to 253: a positive one is added to the priority while all is well, a negative one
    /// while it is not. `None`: the instance is in FAULT while it is not well.
    ///
    /// Before it was looked at for the first time it counts for nothing, and an instance takes
    /// part in elections only when all that it tracks was looked at, or after 5 s.
    pub weight: Option<NonZeroI16>,
}

/// The same thing watched by several instances is looked at once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracked {
    /// Well while the interface is up and has a carrier.
    Interface(String),
    Script(TrackedScript),
    /// Well while the file's number is 0, or there is no file. The number times the weight is
    /// added to the priority. A file without a number in it is not well, and then a negative
    /// weight is added once, a positive one not at all.
    File(PathBuf),
    /// Well while at least `at_least` processes of this name run.
    Process {
        name: String,
        at_least: NonZeroU16,
    },
    /// Well while the kernel's main table has a route for exactly this network.
    Route {
        network: IpAddr,
        prefix_len: u8,
    },
    /// Well while at least `min_healthy` real servers of the service are healthy; one that is
    /// drained is.
    Service {
        name: String,
        min_healthy: u16,
    },
}

/// Well while the script exits with 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackedScript {
    pub script: Script,
    pub interval: Duration,
    /// So many good ends in a row make it well, at least 1.
    pub rise: u8,
    /// So many bad ones in a row end that, at least 1.
    pub fall: u8,
}
