//! The services in `lvx status --json`.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub address: SocketAddr,
    pub protocol: String,
    pub scheduler: String,
    pub vrrp: String,
    /// Its packets are forwarded by this director.
    pub active: bool,
    /// `xdp`, `ipvs` or `none`.
    pub plane: String,
    /// Why it is not a better one; empty for `xdp`.
    pub plane_reason: String,
    /// Sums since the daemon's start, over real servers that were removed, too.
    pub packets: u64,
    pub bytes: u64,
    pub connections: u64,
    /// The slots of its table, by state; `null` where XDP does not serve it.
    pub slots: Option<Slots>,
    /// What the operator shall not overlook, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Real servers that are healthy, whether they get clients or not.
    #[serde(default)]
    pub healthy: usize,
    /// `null` without `min_healthy`.
    #[serde(default)]
    pub quorum: Option<Quorum>,
    /// Fewer than `panic_threshold` are healthy: all are used.
    #[serde(default)]
    pub panic: bool,
    /// By what weights are multiplied now: more than 1 while one of them grows.
    #[serde(default = "one")]
    pub weight_factor: u16,
    #[serde(default)]
    pub fallback: Option<Fallback>,
    pub real_servers: Vec<RealServer>,
}

const fn one() -> u16 {
    1
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Healthy real servers without which it is lost.
    pub needed: usize,
    /// `up`, `down` or `unknown`.
    pub state: String,
}

/// Gets the clients when no real server takes any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    pub address: IpAddr,
    /// It gets them now.
    pub used: bool,
    /// `up`, `no-mac` or `unreachable`: it is not checked.
    pub state: String,
    /// Why it takes no packets; `null` while it could.
    pub reason: Option<String>,
    pub mac: Option<String>,
    pub packets: u64,
    pub bytes: u64,
    pub connections: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    pub stable: u32,
    /// A change moved them less than the settling time ago.
    pub settling: u32,
    /// Connections stay that are not where the table sends them.
    pub exceptional: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealServer {
    pub address: IpAddr,
    pub weight: u16,
    /// The weight that counts, multiplied by the service's factor: not the configured one while
    /// it is drained or quiesced, while it grows, or when its check gives another.
    #[serde(default)]
    pub effective_weight: Option<u16>,
    /// The weight that was set by hand; `null`: none.
    #[serde(default)]
    pub weight_by_hand: Option<u16>,
    /// `up`, `slow-start`, `kept`, `quiesced`, `disabled`, `draining`, `drained`, `down`,
    /// `checking`, `no-mac` or `unreachable`.
    pub state: String,
    /// Why it is not simply up; `null` where the state says all.
    pub reason: Option<String>,
    /// Connections that it is known to have left while it is `draining`; `null` otherwise.
    pub remaining: Option<u64>,
    pub mac: Option<String>,
    /// When the certificate that it shows to its check expires, in seconds since 1970 (UTC).
    #[serde(default)]
    pub certificate_expires: Option<u64>,
    /// What the operator shall not overlook, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    pub packets: u64,
    pub bytes: u64,
    /// TCP SYNs.
    pub connections: u64,
    /// Of the connections that are sampled; `null` where none was within the last 10 s.
    #[serde(default)]
    pub unanswered: Option<Unanswered>,
}

/// SYNs of the last 10 s that no packet of their client followed within a second: the server did
/// not answer, or they were forged. Neither UDP nor what IPVS forwards is sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Connections; one of `[global] passive_sample` is.
    pub sampled: u32,
    pub unanswered: u32,
    /// In percent.
    pub share: u8,
}
