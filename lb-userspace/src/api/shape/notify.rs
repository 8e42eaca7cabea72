//! Who is told of events, in `lvx status --json`; `lvx notify test --json`.

use serde::{Deserialize, Serialize};

/// How telling others went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// Of changes of VRRP states.
    pub scripts: u64,
    pub scripts_failed: u64,
    /// States that were not told, because there was a newer one already.
    pub superseded: u64,
    /// Lines for `notify_fifo`.
    pub lines: u64,
    pub lines_lost: u64,
    /// The `[[notify]]` blocks.
    #[serde(default)]
    pub targets: Vec<NotifyTarget>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyTarget {
    pub name: String,
    /// `mail`, `webhook` or `command`.
    #[serde(rename = "type")]
    pub means: String,
    /// Messages that wait, and one that is being collected.
    pub queued: u64,
    pub sent: u64,
    /// Messages that were refused, or given up after a day.
    pub failed: u64,
    /// Messages for which there was no room.
    pub dropped: u64,
    /// Why the latest try failed; `null` if it did not.
    pub last_error: Option<String>,
    /// Seconds since 1970 (UTC).
    pub last_success: Option<u64>,
    /// What the operator shall not overlook, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A test that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyTest {
    pub test: u64,
    /// Milliseconds in which it is over.
    pub within: u64,
}

/// What came of the test of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyTested {
    pub name: String,
    /// `mail`, `webhook` or `command`.
    #[serde(rename = "type")]
    pub means: String,
    /// `null`: it is under way.
    pub ok: Option<bool>,
    pub error: Option<String>,
}
