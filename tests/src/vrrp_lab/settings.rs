//! What one side of a virtual router is configured with, whatever the implementation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Virtual router id of every lab: each has a network of its own.
pub const VRID: u8 = 51;

/// What a version 3 checksum over IPv4 covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The pseudo-header, too: keepalived's and FRR's default.
    PseudoHeader,
    /// The message alone: the text of RFC 9568.
    Message,
}

/// See the module's description. Both sides differ in what `with_` and the fields change.
#[derive(Debug, Clone)]
pub struct Settings {
    pub version: u8,
    pub ipv6: bool,
    pub priority: u8,
    pub interval: Duration,
    pub password: Option<&'static str>,
    pub checksum: Checksum,
    pub preempt: bool,
    pub unicast: bool,
}

impl Settings {
    /// Version 3 over IPv4, 200 ms, multicast.
    #[must_use]
    pub fn v3() -> Self {
        Self {
            version: 3,
            ipv6: false,
            priority: 150,
            interval: Duration::from_millis(200),
            password: None,
            checksum: Checksum::PseudoHeader,
            preempt: true,
            unicast: false,
        }
    }

    /// Version 2, 1 s, multicast.
    #[must_use]
    pub fn v2() -> Self {
        Self {
            version: 2,
            interval: Duration::from_secs(1),
            ..Self::v3()
        }
    }

    #[must_use]
    pub fn v3_ipv6() -> Self {
        Self {
            ipv6: true,
            ..Self::v3()
        }
    }

    #[must_use]
    pub fn priority(&self, priority: u8) -> Self {
        Self {
            priority,
            ..self.clone()
        }
    }

    #[must_use]
    pub fn interval(&self, interval: Duration) -> Self {
        Self {
            interval,
            ..self.clone()
        }
    }

    /// The virtual address that clients would use.
    #[must_use]
    pub fn vip(&self) -> IpAddr {
        if self.ipv6 {
            Ipv6Addr::new(0xfd00, 0x99, 0, 0, 0, 0, 0, 0x100).into()
        } else {
            Ipv4Addr::new(10, 99, 0, 100).into()
        }
    }

    /// All virtual addresses with their prefix lengths. RFC 9568 section 5.2.9 wants a link-local
    /// one first in IPv6.
    #[must_use]
    pub fn addresses(&self) -> Vec<(IpAddr, u8)> {
        if self.ipv6 {
            let link_local = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x99, 0x100);
            vec![(link_local.into(), 64), (self.vip(), 64)]
        } else {
            vec![(self.vip(), 24)]
        }
    }
}
