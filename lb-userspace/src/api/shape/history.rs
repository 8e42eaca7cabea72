//! `lvx status --history`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// `lvx status --history --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Latest first.
    pub transitions: Vec<Transition>,
    /// Older ones that are remembered, too: ask for a service or a real server.
    pub left_out: u64,
}

/// A real server went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// Milliseconds since 1970 (UTC).
    pub at: u64,
    pub service: String,
    pub server: IpAddr,
    /// As `state` in `lvx status --json`.
    pub from: String,
    pub to: String,
    pub cause: String,
    /// Milliseconds that it was in the state before.
    pub lasted: u64,
}
