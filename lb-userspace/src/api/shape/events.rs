//! `lvx events`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// Of the daemon's start, milliseconds since 1970 (UTC): another one has a history of its own.
    pub started: u64,
    /// Oldest first.
    pub events: Vec<Event>,
    /// Events that were asked for and that the daemon does not remember any more.
    pub missed: u64,
    /// Sequence number of the latest event.
    pub last: u64,
}

/// A line of `lvx events --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1 at the daemon's start.
    pub sequence: u64,
    /// Milliseconds since 1970 (UTC).
    pub at: u64,
    pub kind: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    pub instance: Option<String>,
    pub service: Option<String>,
    pub server: Option<IpAddr>,
    pub text: String,
    /// Parts of the text, which differ by kind.
    pub fields: BTreeMap<String, String>,
}
