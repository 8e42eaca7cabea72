//! VRRP instances in `lvx status --json`.

use serde::{Deserialize, Serialize};

use super::Count;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vrrp {
    pub name: String,
    pub interface: String,
    /// `INIT`, `BACKUP` or `MASTER`.
    pub state: String,
    /// Why it is in this state, or why it cannot take part.
    pub reason: String,
    pub priority: u8,
    /// With prefix length, as configured.
    pub addresses: Vec<String>,
    pub adverts_sent: u64,
    pub adverts_received: u64,
    /// Advertisements that were not accepted, by cause; causes that never happened are left out.
    pub errors: Vec<Count>,
}
