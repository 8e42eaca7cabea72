//! Answers to single commands.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// `lvx reload`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The file says something else than before.
    pub changed: bool,
}

/// `lvx drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Seconds for which the real server keeps its connections; `null`: as long as they live.
    pub deadline: Option<u64>,
    /// What it was by an order before; `null`: nothing.
    #[serde(default)]
    pub replaced: Option<String>,
}

/// `lvx disable`, `lvx enable` and `lvx weight`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// What follows, a sentence about the real server.
    pub text: String,
    /// What it was by an order before; `null`: nothing.
    pub replaced: Option<String>,
}

/// `lvx where --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Where {
    pub service: String,
    pub client: IpAddr,
    pub port: Option<u16>,
    pub slot: u32,
    /// `stable`, `settling`, `exceptional` or `flow`.
    #[serde(default)]
    pub state: String,
    /// The slot's server before the change, while it is settling.
    pub previous: Option<IpAddr>,
    /// The server in the record of the client's connection.
    pub record: Option<IpAddr>,
    /// Why it is this real server; a sentence.
    #[serde(default)]
    pub why: String,
    /// `null` if no real server can take packets.
    pub real_server: Option<IpAddr>,
}
