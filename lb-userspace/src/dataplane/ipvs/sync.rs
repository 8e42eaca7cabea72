//! The kernel's connection sync daemons. PURE.

use std::fmt;

/// What a sync daemon does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SyncRole {
    /// Sends this director's connections.
    Master,
    /// Takes others'.
    Backup,
}

impl SyncRole {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Backup => "backup",
        }
    }
}

/// A running sync daemon: at most one of each role in a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SyncDaemon {
    pub role: SyncRole,
    /// Where it multicasts; it needs an IPv4 address there.
    pub interface: String,
    /// Daemons listen to those of the same number; a backup of 0 listens to all.
    pub id: u8,
}

impl fmt::Display for SyncDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = self.role.name();
        write!(
            f,
            "sync daemon {role} on {} with id {}",
            self.interface, self.id
        )
    }
}
