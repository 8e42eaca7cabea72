//! State of one real server of a service. PURE.

use crate::dataplane::table::Path;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerState {
    /// No verdict yet.
    Checking,
    Down {
        /// What the last probe met.
        reason: String,
    },
    /// Healthy, but its MAC is not known yet, or no longer.
    Resolving,
    /// Healthy, but direct routing cannot reach it.
    Unreachable {
        /// With the way out.
        reason: String,
    },
    /// It gets no packets at all, by an order of the operator.
    Disabled {
        /// With what its check says.
        reason: String,
    },
    /// Takes packets.
    Up { path: Path },
    /// Healthy, but gets no more clients: those that it has stay.
    Draining { path: Path },
    /// It could take packets, but the deadline of its drain has passed.
    Drained,
}

impl ServerState {
    pub(super) const fn unreachable(reason: String) -> Self {
        Self::Unreachable { reason }
    }

    /// The same of a server that gets no more clients; `over`: nor packets.
    pub(super) fn drained(self, over: bool) -> Self {
        let Self::Up { path } = self else {
            return self;
        };
        if over {
            Self::Drained
        } else {
            Self::Draining { path }
        }
    }

    /// Whether waiting would tell no more.
    pub(super) const fn is_settled(&self) -> bool {
        match self {
            Self::Checking | Self::Resolving => false,
            Self::Down { .. }
            | Self::Unreachable { .. }
            | Self::Disabled { .. }
            | Self::Up { .. }
            | Self::Draining { .. }
            | Self::Drained => true,
        }
    }

    /// Where its packets go.
    #[must_use]
    pub const fn path(&self) -> Option<Path> {
        match self {
            Self::Up { path } | Self::Draining { path } => Some(*path),
            Self::Checking
            | Self::Down { .. }
            | Self::Resolving
            | Self::Unreachable { .. }
            | Self::Disabled { .. }
            | Self::Drained => None,
        }
    }

    /// Word in `lvx status`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Down { .. } => "down",
            Self::Resolving => "no-mac",
            Self::Unreachable { .. } => "unreachable",
            Self::Disabled { .. } => "disabled",
            Self::Up { .. } => "up",
            Self::Draining { .. } => "draining",
            Self::Drained => "drained",
        }
    }

    /// Why it takes no packets, where that needs words.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Down { reason } | Self::Unreachable { reason } | Self::Disabled { reason } => {
                Some(reason)
            }
            Self::Resolving => {
                Some("its MAC address is not known: it answers no ARP or neighbour solicitation")
            }
            Self::Drained => Some("the deadline of its drain has passed"),
            Self::Checking | Self::Up { .. } | Self::Draining { .. } => None,
        }
    }
}
