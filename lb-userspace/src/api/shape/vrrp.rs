//! VRRP instances in `lvx status --json`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Count;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vrrp {
    pub name: String,
    pub interface: String,
    /// `INIT`, `FAULT`, `BACKUP` or `MASTER`.
    pub state: String,
    /// Why it is in this state, or why it cannot take part.
    pub reason: String,
    /// As configured.
    pub priority: u8,
    /// With prefix length, as configured.
    pub addresses: Vec<String>,
    pub adverts_sent: u64,
    pub adverts_received: u64,
    /// Advertisements that were not accepted, by cause; causes that never happened are left out.
    pub errors: Vec<Count>,
    /// Seconds since 1970 (UTC) at which it entered its state.
    #[serde(default)]
    pub since: u64,
    /// The other director that leads; `null` if none is known, or this one is MASTER.
    #[serde(default)]
    pub leader: Option<Leader>,
    /// The priority with what tracking adds to it.
    #[serde(default)]
    pub effective_priority: u8,
    /// It gave way by hand, and follows any other director.
    #[serde(default)]
    pub resigned: bool,
    /// Name of its sync group.
    #[serde(default)]
    pub sync_group: Option<String>,
    #[serde(default)]
    pub tracking: Vec<Tracking>,
    /// Second masters that are heard now.
    #[serde(default)]
    pub rivals: Vec<Rival>,
    /// Other hosts that answer for its addresses now.
    #[serde(default)]
    pub duplicates: Vec<Duplicate>,
    /// Since it was configured.
    #[serde(default)]
    pub counters: Vec<Count>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    pub address: IpAddr,
    pub priority: u8,
}

/// One tracked thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracking {
    /// Kind and name, like `interface eth1`.
    pub what: String,
    /// `well`, `not-well`, `unknown` (not looked at yet), or the number of a file.
    pub state: String,
    /// A sentence.
    pub text: String,
    /// As configured; `null`: it is a fault if it is not well.
    pub weight: Option<i16>,
    /// What it adds to the priority now.
    pub adjustment: i16,
    /// It keeps the instance in FAULT now.
    pub fault: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rival {
    pub address: IpAddr,
    pub priority: u8,
    /// Seconds since 1970 (UTC).
    pub since: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    pub address: IpAddr,
    pub mac: String,
    /// Seconds since 1970 (UTC).
    pub since: u64,
}

/// `lvx vrrp resign`: what came of it is in the events after `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resigning {
    /// Sequence number of an event.
    pub after: u64,
    /// Milliseconds in which another director takes over, or this one does again.
    pub within: u64,
}

/// The thread that speaks VRRP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protocol {
    /// `fifo PRIORITY`, `off`, or why it is scheduled as any other thread.
    pub scheduler: String,
    /// `locked`, `off`, or why the daemon's memory may be paged out.
    pub memory: String,
    /// The latest that a timer ran, in microseconds, since the daemon's start.
    pub worst_lateness: u64,
}
