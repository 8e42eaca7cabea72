//! `lvx status --json`.

use serde::{Deserialize, Serialize};

use super::{Dataplane, Notify, Protocol, Service, Vrrp};

/// `lvx status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub router_id: String,
    pub version: String,
    pub vrrp: Vec<Vrrp>,
    pub dataplane: Dataplane,
    pub services: Vec<Service>,
    pub config: ConfigFile,
    #[serde(default)]
    pub notify: Notify,
    #[serde(default)]
    pub protocol: Protocol,
    #[serde(default)]
    pub checks: Checks,
}

/// How the checks keep up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checks {
    pub count: u64,
    /// Probes under way.
    pub running: u64,
    pub most_running: u64,
    /// Probes that may be under way at once: open files set it.
    pub limit: u64,
    pub probes: u64,
    /// Microseconds between the time at which a probe should have started and that at which it
    /// did. What a server takes is not in it.
    pub worst_lateness: u64,
    /// 99 % of the probes were not later than that.
    pub usual_lateness: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub name: String,
    pub packets: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    pub path: String,
    /// Seconds since 1970 (UTC) at which the configuration in force was read.
    pub loaded_at: u64,
    /// Why the last reload failed; `null` if it did not.
    pub error: Option<String>,
}
