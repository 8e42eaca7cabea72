//! What a target may be told of.

/// A word of `events`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A VRRP instance changed its state, or cannot take part.
    Vrrp,
    /// A real server came up or went down.
    Server,
    /// A service has, or has not, the healthy servers that it needs.
    Quorum,
    /// Two masters, or two hosts with one address.
    SplitBrain,
    /// Which data plane serves.
    Plane,
    /// lvx started or stopped.
    Daemon,
    /// A certificate is about to expire.
    Certificate,
    /// An operator's orders.
    Order,
    Reload,
    /// What others changed was put right.
    Repair,
    /// Tracked things, and the priority that follows from them.
    Track,
    /// Notifications themselves: those to others.
    Notify,
    /// Every event there is.
    All,
}

impl Topic {
    /// In the order in which an error lists them.
    pub(super) const NAMES: &[(&'static str, Self)] = &[
        ("vrrp", Self::Vrrp),
        ("server", Self::Server),
        ("quorum", Self::Quorum),
        ("split-brain", Self::SplitBrain),
        ("plane", Self::Plane),
        ("daemon", Self::Daemon),
        ("certificate", Self::Certificate),
        ("order", Self::Order),
        ("reload", Self::Reload),
        ("repair", Self::Repair),
        ("track", Self::Track),
        ("notify", Self::Notify),
        ("all", Self::All),
    ];

    /// Of a target that does not say.
    pub(super) const DEFAULT: &[Self] = &[
        Self::Vrrp,
        Self::Server,
        Self::Quorum,
        Self::SplitBrain,
        Self::Plane,
        Self::Daemon,
    ];
}
