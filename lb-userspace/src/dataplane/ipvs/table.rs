//! What the kernel's IPVS shall do. PURE.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// All virtual services that are ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    pub services: BTreeMap<ServiceKey, Service>,
}

/// Which packets are a service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// `port` 0: every port that has no service of its own; the kernel wants persistence then.
    Address {
        address: IpAddr,
        port: u16,
        /// IP protocol number: 6 TCP, 17 UDP, 132 SCTP.
        protocol: u8,
    },
    /// Packets that the firewall marked.
    Fwmark { mark: u32, v6: bool },
}

impl ServiceKey {
    /// Whether its packets are IPv6.
    #[must_use]
    pub const fn is_v6(&self) -> bool {
        match self {
            Self::Address { address, .. } => address.is_ipv6(),
            Self::Fwmark { v6, .. } => *v6,
        }
    }

    /// The port of its destinations: direct routing translates none. 0 = the packet's.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::Address { port, .. } => *port,
            Self::Fwmark { .. } => 0,
        }
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Address {
                address,
                port,
                protocol,
            } => {
                let address = SocketAddr::new(address, port);
                match protocol {
                    6 => write!(f, "tcp {address}"),
                    17 => write!(f, "udp {address}"),
                    132 => write!(f, "sctp {address}"),
                    other => write!(f, "protocol {other} {address}"),
                }
            }
            Self::Fwmark { mark, v6: false } => write!(f, "fwmark {mark}"),
            Self::Fwmark { mark, v6: true } => write!(f, "fwmark {mark} IPv6"),
        }
    }
}

/// A virtual service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The kernel's name: `mh`, `sh`, `rr`, `wrr`, `lc`, `wlc`.
    pub scheduler: String,
    pub flags: ServiceFlags,
    pub persistence: Option<Persistence>,
    /// Their port is the service's, their forwarding method direct routing.
    pub destinations: BTreeMap<IpAddr, Destination>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceFlags {
    /// `mh-port`, `sh-port`: the client's port is hashed, too.
    pub port: bool,
    /// `mh-fallback`, `sh-fallback`: another destination for one that takes no clients now.
    pub fallback: bool,
    /// Every packet is scheduled on its own (UDP).
    pub one_packet: bool,
}

/// A client that comes back gets the same destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// How long after its last connection; in whole seconds, at least one.
    pub timeout: Duration,
    /// What of its address makes a client: up to 32 for IPv4, 1 to 128 for IPv6.
    pub prefix_len: u8,
}

/// A real server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// 0 = no new clients; its connections go on.
    pub weight: u16,
    /// Connections at which it gets no more; 0 = no limit.
    pub upper_threshold: u32,
    /// Connections below which it gets some again; 0 = three quarters of the upper one.
    pub lower_threshold: u32,
}
