//! State of one real server of a service. PURE.

use std::borrow::Cow;

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
    /// It came up a short time ago: its weight grows, and has reached so many tenths.
    SlowStart { path: Path, step: u8 },
    /// It fails, but takes packets.
    Kept { path: Path, reason: String },
    /// It fails, and gets no more clients: those that it has stay.
    Quiesced { path: Path, reason: String },
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

    /// The same of a server that fails.
    pub(super) fn kept(self, reason: String) -> Self {
        let Self::Up { path } = self else {
            return self;
        };
        Self::Kept { path, reason }
    }

    /// The same of a server that fails and gets no more clients; `over`: nor packets.
    pub(super) fn quiesced(self, reason: String, over: bool) -> Self {
        if let (Self::Up { path }, false) = (self, over) {
            Self::Quiesced { path, reason }
        } else {
            Self::Down { reason }
        }
    }

    /// The same of a server whose weight grows.
    pub(super) fn slow_start(self, step: Option<u8>) -> Self {
        if let (Self::Up { path }, Some(step)) = (&self, step) {
            return Self::SlowStart { path: *path, step };
        }
        self
    }

    pub(super) const fn is_quiesced(&self) -> bool {
        matches!(self, Self::Quiesced { .. })
    }

    /// How far its weight has grown, in tenths.
    #[must_use]
    pub const fn step(&self) -> Option<u8> {
        if let Self::SlowStart { step, .. } = self {
            Some(*step)
        } else {
            None
        }
    }

    /// Whether it is healthy and can be reached, whether it gets clients or not.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        match self {
            Self::Up { .. } | Self::SlowStart { .. } | Self::Draining { .. } | Self::Drained => {
                true
            }
            Self::Checking
            | Self::Down { .. }
            | Self::Resolving
            | Self::Unreachable { .. }
            | Self::Disabled { .. }
            | Self::Kept { .. }
            | Self::Quiesced { .. } => false,
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
            | Self::SlowStart { .. }
            | Self::Kept { .. }
            | Self::Quiesced { .. }
            | Self::Draining { .. }
            | Self::Drained => true,
        }
    }

    /// Where its packets go.
    #[must_use]
    pub const fn path(&self) -> Option<Path> {
        match self {
            Self::Up { path }
            | Self::SlowStart { path, .. }
            | Self::Kept { path, .. }
            | Self::Quiesced { path, .. }
            | Self::Draining { path } => Some(*path),
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
            Self::SlowStart { .. } => "slow-start",
            Self::Kept { .. } => "kept",
            Self::Quiesced { .. } => "quiesced",
            Self::Draining { .. } => "draining",
            Self::Drained => "drained",
        }
    }

    /// Why it is not simply up, where that needs words.
    #[must_use]
    pub fn reason(&self) -> Option<Cow<'_, str>> {
        const UNRESOLVED: &str =
            "its MAC address is not known: it answers no ARP or neighbour solicitation";
        match self {
            Self::Down { reason }
            | Self::Unreachable { reason }
            | Self::Disabled { reason }
            | Self::Kept { reason, .. }
            | Self::Quiesced { reason, .. } => Some(reason.into()),
            Self::SlowStart { step, .. } => {
                Some(format!("came up a short time ago: {step}0 % of its weight").into())
            }
            Self::Resolving => Some(UNRESOLVED.into()),
            Self::Drained => Some("the deadline of its drain has passed".into()),
            Self::Checking | Self::Up { .. } | Self::Draining { .. } => None,
        }
    }
}
