//! VRRP measured beside keepalived: how long a failover takes, and what 255 virtual routers cost.

use std::fmt;

use anyhow::Result;

use crate::vrrp_lab::process::thread_named;
use crate::vrrp_lab::{Keepalived, Ours, Process, Router, Settings, VrrpLab};

pub(crate) mod adverts;
mod failover;
mod lines;
mod probe;
mod report;
mod responder;
mod vrids;

pub use failover::{Failover, Kind, compare};
pub use lines::{Lines, Round};
pub use report::{table, write};
pub use vrids::vrids;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    Lvx,
    Keepalived,
}

impl Implementation {
    pub const ALL: [Self; 2] = [Self::Lvx, Self::Keepalived];

    fn start(self, lab: &VrrpLab, host: usize, settings: &Settings) -> Result<Daemon> {
        Ok(match self {
            Self::Lvx => Daemon::Lvx(lab.ours(host, settings)?),
            Self::Keepalived => Daemon::Keepalived(lab.keepalived(host, settings)?),
        })
    }
}

impl fmt::Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lvx => "lvx",
            Self::Keepalived => "keepalived",
        })
    }
}

/// One of the two, running.
enum Daemon {
    Lvx(Ours),
    Keepalived(Keepalived),
}

impl Daemon {
    fn router(&self) -> &dyn Router {
        match self {
            Self::Lvx(ours) => ours,
            Self::Keepalived(keepalived) => keepalived,
        }
    }

    fn process(&mut self) -> &mut Process {
        match self {
            Self::Lvx(ours) => ours.process(),
            Self::Keepalived(keepalived) => keepalived.process(),
        }
    }

    /// The thread that speaks VRRP.
    fn protocol_thread(&mut self) -> Option<u32> {
        match self {
            Self::Lvx(ours) => thread_named(ours.process().id(), "lvx-vrrp"),
            Self::Keepalived(keepalived) => keepalived.process().children().first().copied(),
        }
    }
}
