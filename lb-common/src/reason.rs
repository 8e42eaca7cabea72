//! Why a packet was not sent on to a real server.

/// Index into map `reasons`. All of these are passed to the kernel: the program drops nothing.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Neither IPv4 nor IPv6, under two VLAN tags at most: ARP, LLDP.
    NotIp = 0,
    /// A header is cut off or contradicts its own length.
    Malformed = 1,
    /// Neither TCP, UDP nor SCTP, nor an ICMP error about one of them: ping, VRRP.
    OtherProtocol = 2,
    /// A fragment, first ones included, of which it is not clear where it belongs.
    Fragment = 3,
    /// No service has this address, port and protocol.
    NoService = 4,
    /// The service is not the program's now: this director is not MASTER for it, or IPVS serves it.
    Inactive = 5,
    /// The frame's destination MAC is not the director's: broadcast, multicast, flooded frames.
    NotOurMac = 6,
    /// No real server of the service can take packets.
    NoRealServer = 7,
    /// The chosen real server is this host.
    Local = 8,
    /// The chosen real server is behind an interface that cannot be redirected to.
    NoEgress = 9,
    /// The frame has more or fewer VLAN tags than the real server's network.
    OtherVlan = 10,
    /// More IPv6 extension headers than the program walks, or one that it does not know.
    ExtensionHeaders = 11,
}

impl Reason {
    pub const ALL: [Self; 12] = [
        Self::NotIp,
        Self::Malformed,
        Self::OtherProtocol,
        Self::Fragment,
        Self::NoService,
        Self::Inactive,
        Self::NotOurMac,
        Self::NoRealServer,
        Self::Local,
        Self::NoEgress,
        Self::OtherVlan,
        Self::ExtensionHeaders,
    ];

    /// By its index; a wrong one is `Malformed`.
    #[inline(always)]
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::NotIp,
            2 => Self::OtherProtocol,
            3 => Self::Fragment,
            4 => Self::NoService,
            5 => Self::Inactive,
            6 => Self::NotOurMac,
            7 => Self::NoRealServer,
            8 => Self::Local,
            9 => Self::NoEgress,
            10 => Self::OtherVlan,
            11 => Self::ExtensionHeaders,
            _ => Self::Malformed,
        }
    }

    /// Name in `lvx status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not_ip",
            Self::Malformed => "malformed",
            Self::OtherProtocol => "other_protocol",
            Self::Fragment => "fragment",
            Self::NoService => "no_service",
            Self::Inactive => "inactive",
            Self::NotOurMac => "not_our_mac",
            Self::NoRealServer => "no_real_server",
            Self::Local => "local",
            Self::NoEgress => "no_egress",
            Self::OtherVlan => "other_vlan",
            Self::ExtensionHeaders => "extension_headers",
        }
    }
}

/// Index into map `notes`: packets that were sent on although something was missing.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// No room for a record in `exceptions`: the connection may move when the slot settles.
    ExceptionsFull = 0,
    /// No room for a record in `persistence`: the client may get another server next time.
    PersistenceFull = 1,
    /// No room for a record in `flows`: the connection's next packet may get another server.
    FlowsFull = 2,
}

impl Note {
    pub const ALL: [Self; 3] = [Self::ExceptionsFull, Self::PersistenceFull, Self::FlowsFull];

    /// Name in `lvx status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExceptionsFull => "exceptions_full",
            Self::PersistenceFull => "persistence_full",
            Self::FlowsFull => "flows_full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn each_reason_has_its_own_index_and_name() {
        let mut names = std::collections::BTreeSet::new();
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(Reason::from_number(index as u32), reason);
            assert!(names.insert(reason.name()));
        }
    }
}
