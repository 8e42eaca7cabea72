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
