//! Why a packet was not sent on to a real server.

/// Index into map `reasons`. All of these are passed to the kernel: the program drops nothing.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Neither IPv4 nor long enough to be: ARP, IPv6, VLAN-tagged frames.
    NotIpv4 = 0,
    /// A header is cut off or contradicts its own length.
    Malformed = 1,
    /// IPv4, but neither TCP nor UDP.
    NotTcpOrUdp = 2,
    /// A fragment, first ones included: the kernel puts them together.
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
}

impl Reason {
    pub const ALL: [Self; 10] = [
        Self::NotIpv4,
        Self::Malformed,
        Self::NotTcpOrUdp,
        Self::Fragment,
        Self::NoService,
        Self::Inactive,
        Self::NotOurMac,
        Self::NoRealServer,
        Self::Local,
        Self::NoEgress,
    ];

    /// Name in `lvx status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIpv4 => "not_ipv4",
            Self::Malformed => "malformed",
            Self::NotTcpOrUdp => "not_tcp_or_udp",
            Self::Fragment => "fragment",
            Self::NoService => "no_service",
            Self::Inactive => "inactive",
            Self::NotOurMac => "not_our_mac",
            Self::NoRealServer => "no_real_server",
            Self::Local => "local",
            Self::NoEgress => "no_egress",
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
            assert!(names.insert(reason.name()));
        }
    }
}
