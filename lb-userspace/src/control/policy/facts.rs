//! What is known of a real server, and what it is used for. PURE.

use std::net::IpAddr;

use crate::config::{Manner, OnFailure};

/// What a server's check says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing yet.
    Open,
    Good,
    /// What the last probe met.
    Bad(String),
}

/// Whether packets can, and may, get to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Yes,
    /// Waiting will tell.
    NotYet,
    No,
}

/// What is known of a server when it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) address: IpAddr,
    pub(super) manner: Manner,
    pub(super) health: Health,
    pub(super) reached: Reached,
    /// It gets no clients whatever its check says.
    pub(super) drained: bool,
}

/// What a server is used for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::control) enum Ruling {
    /// That is not known yet.
    Open,
    /// It is healthy; with a step, it came up a short time ago.
    In { step: Option<u8> },
    /// It fails, but gets clients.
    Kept { reason: String },
    /// It fails, and gets no more clients.
    Quiesced { reason: String },
    /// It fails, and gets no packets.
    Out { reason: String },
}

impl Ruling {
    /// Of a server whose check alone decides.
    #[must_use]
    pub(super) fn plain(health: Health, manner: Manner) -> Self {
        match health {
            Health::Open => Self::Open,
            Health::Good => Self::In { step: None },
            Health::Bad(reason) => Self::failed(reason, manner),
        }
    }

    pub(super) fn failed(reason: String, manner: Manner) -> Self {
        match manner.on_failure {
            OnFailure::Remove => Self::Out { reason },
            OnFailure::Quiesce => Self::Quiesced { reason },
        }
    }

    /// Whether it may get clients.
    pub(super) const fn is_in(&self) -> bool {
        match self {
            Self::In { .. } | Self::Kept { .. } => true,
            Self::Open | Self::Quiesced { .. } | Self::Out { .. } => false,
        }
    }
}
