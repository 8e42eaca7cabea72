//! Kinds of blocks, by the header or key that opens them.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Global,
    Vrrp,
    Auth,
    Unicast,
    Garp,
    Track,
    Notify,
    Target,
    SyncGroup,
    Sync,
    Maps,
    Realtime,
    Service,
    RealServer,
    Persistence,
    Timeouts,
    Damping,
    Check,
    /// One of the checks of an `all` or `any`.
    Part,
    Url,
    Body,
    Expect,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "the top level",
            Self::Global => "[global]",
            Self::Vrrp => "[[vrrp]]",
            Self::Auth => "`auth`",
            Self::Unicast => "`unicast`",
            Self::Garp => "`garp`",
            Self::Track => "`track`",
            Self::Notify => "`notify`",
            Self::Target => "[[notify]]",
            Self::SyncGroup => "[[sync_group]]",
            Self::Sync => "`sync`",
            Self::Maps => "`maps`",
            Self::Realtime => "`realtime`",
            Self::Service => "[[service]]",
            Self::RealServer => "[[service.real_server]]",
            Self::Persistence => "`persistence`",
            Self::Timeouts => "`timeouts`",
            Self::Damping => "`flap_damping`",
            Self::Check => "`check`",
            Self::Part => "`checks`",
            Self::Url => "`urls`",
            Self::Body => "`body`",
            Self::Expect => "`expect`",
        }
    }

    /// Where a key of it stands.
    pub(super) fn place(self) -> String {
        let word = if self == Self::File { "at" } else { "in" };
        format!("{word} {}", self.name())
    }
}
