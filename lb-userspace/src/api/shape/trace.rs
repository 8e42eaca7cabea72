//! `lvx trace`.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Which packets `lvx trace` shows; without any wishes all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceWanted {
    /// Name of a service.
    pub service: Option<String>,
    pub client: Option<Network>,
    /// Only packets that are left to the kernel.
    pub drops: bool,
    /// Packets per second.
    pub rate: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub address: IpAddr,
    pub prefix_len: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traced {
    pub packets: Vec<TracedPacket>,
    /// Packets since the start that are not shown for the rate's sake.
    pub over_rate: u64,
    /// Packets since the start that were not read in time.
    pub lost: u64,
}

/// A line of `lvx trace --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedPacket {
    /// Nanoseconds since 1970 (UTC).
    pub at: u64,
    /// By which it came in.
    pub interface: String,
    /// `null` if its headers could not be read; port 0 in a fragment.
    pub client: Option<SocketAddr>,
    /// What it was sent to; the same.
    pub destination: Option<SocketAddr>,
    /// `tcp`, `udp`, `sctp`, or a number.
    pub protocol: String,
    pub fragment: bool,
    /// Name of the service with this destination.
    pub service: Option<String>,
    /// `open`, `data`, `close`, `datagram` or `quote` (an ICMP error).
    pub segment: String,
    /// IP length.
    pub bytes: u32,
    /// `transmitted`, `redirected` (to another interface) or `passed` (to the kernel).
    pub verdict: String,
    /// Why it was passed; `null` if it was not.
    pub reason: Option<String>,
    /// The chosen one; `null` if there was none.
    pub real_server: Option<IpAddr>,
    /// Of the service's table; `null` if the table was not asked.
    pub slot: Option<u32>,
    /// `stable`, `settling` or `exceptional`.
    pub slot_state: Option<String>,
}
