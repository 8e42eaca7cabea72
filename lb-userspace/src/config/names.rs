//! What messages, status and the kernel call the values of a configuration.

use lb_common::layout::MAX_LEAST;

use super::{PlaneChoice, ProgramLog, Protocol, Scheduler};

impl PlaneChoice {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Xdp => "xdp",
            Self::XdpNative => "xdp-native",
            Self::XdpGeneric => "xdp-generic",
            Self::Ipvs => "ipvs",
        }
    }
}

impl ProgramLog {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl Protocol {
    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// The protocol field of the IP header (IANA protocol numbers).
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

impl Scheduler {
    /// As the file writes it, and the kernel.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
            Self::Sh => "sh",
            Self::Rr => "rr",
            Self::Wrr => "wrr",
            Self::Lc => "lc",
            Self::Wlc => "wlc",
        }
    }

    /// Most real servers of a service among which the XDP program chooses, if it has a limit of
    /// its own: it looks at each one's connections for every new connection.
    pub const fn program_limit(self) -> Option<usize> {
        match self {
            Self::Lc | Self::Wlc => Some(MAX_LEAST as usize),
            Self::Mh | Self::Sh | Self::Rr | Self::Wrr => None,
        }
    }
}
