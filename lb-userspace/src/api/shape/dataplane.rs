//! The data planes in `lvx status --json`.

use serde::{Deserialize, Serialize};

use super::{Count, PlaneName};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataplane {
    /// `xdp-native`, `xdp-generic`, `ipvs` or `none`.
    pub mode: String,
    /// Why it is not a better one; empty if it is the best.
    pub reason: String,
    /// `auto`, `xdp` or `ipvs`: what `lvx plane` asked for.
    pub by_hand: PlaneName,
    pub ipvs: IpvsPlane,
    /// Times the set of planes that can be used changed.
    pub switches: u64,
    /// What others changed in the planes and was put right.
    pub repairs: u64,
    /// The latest events, oldest first.
    pub events: Vec<PlaneEvent>,
    pub interfaces: Vec<Interface>,
    /// Packets left to the kernel, by reason, all of them.
    pub passed: Vec<Count>,
    /// Bytes of all maps of the program.
    #[serde(default)]
    pub memory: u64,
    /// Records of connections and clients, by map.
    #[serde(default)]
    pub records: Vec<Records>,
    /// Packets that were sent on although something was missing, by what it was, all of them.
    #[serde(default)]
    pub notes: Vec<Count>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// `exceptions`, `persistence` or `flows`.
    pub map: String,
    pub used: u64,
    /// `[global.maps]`
    pub room: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpvsPlane {
    /// This kernel has IPVS, and it can be used.
    pub available: bool,
    /// Why not.
    pub reason: Option<String>,
    /// The services that XDP forwards are in IPVS, too, for what XDP passes.
    pub standby: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneEvent {
    /// Seconds since 1970 (UTC).
    pub at: u64,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    pub name: String,
    pub ifindex: u32,
    pub mac: Option<String>,
    pub mode: String,
}
