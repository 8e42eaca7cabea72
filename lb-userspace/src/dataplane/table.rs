//! The desired forwarding state, complete, as `control` computes it. PURE.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU8;

use lb_common::layout::ServiceKey;
use lb_common::rule::Timeouts;

/// Hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The MAC of a virtual router, RFC 9568 section 7.3.
    #[must_use]
    pub const fn of_virtual_router(id: NonZeroU8, ipv6: bool) -> Self {
        let [family, id] = virtual_mac(Some(id), ipv6);
        Self([0, 0, 0x5e, 0, family, id])
    }
}

/// The last two bytes of that MAC; 0 for none.
pub(super) const fn virtual_mac(id: Option<NonZeroU8>, ipv6: bool) -> [u8; 2] {
    match id {
        Some(id) if ipv6 => [2, id.get()],
        Some(id) => [1, id.get()],
        None => [0; 2],
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Everything a data plane shall do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForwardingTable {
    pub services: BTreeMap<ServiceKey, Service>,
    /// The NICs that carry the program, by ifindex.
    pub interfaces: BTreeMap<u32, Mac>,
}

/// A virtual service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// This director is MASTER for the address.
    pub active: bool,
    pub method: Method,
    pub persistence: Option<Persistence>,
    /// UDP: clients that come from before a change keep their server (`affinity = "client"`).
    pub affinity: bool,
    pub timeouts: Timeouts,
    /// Seconds for which a slot settles after a change.
    pub settling: u32,
    /// Frames to the virtual MAC of this virtual router are for the service, too; it has the
    /// service's family.
    pub virtual_router: Option<NonZeroU8>,
    /// All that are configured and have had a verdict, by address: one that cannot be used now
    /// keeps its counters.
    pub real_servers: BTreeMap<IpAddr, RealServer>,
}

impl Service {
    /// A TCP service that is spread by its clients' addresses and asks for nothing else.
    #[must_use]
    pub fn mh(active: bool, real_servers: BTreeMap<IpAddr, RealServer>) -> Self {
        Self {
            active,
            method: Method::Mh { port: false },
            persistence: None,
            affinity: false,
            timeouts: Timeouts::TCP,
            settling: Timeouts::TCP.established,
            virtual_router: None,
            real_servers,
        }
    }
}

/// How clients are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a Maglev table, over the client's address, and its port if `port` is set.
    Mh {
        port: bool,
    },
    /// By a table of ip_vs_sh.
    Sh {
        port: bool,
    },
    Rr,
    Wrr,
    Lc,
    Wlc,
}

impl Method {
    /// Whether each connection needs a record.
    #[must_use]
    pub const fn keeps_flows(self) -> bool {
        match self {
            Self::Mh { .. } | Self::Sh { .. } => false,
            Self::Rr | Self::Wrr | Self::Lc | Self::Wlc => true,
        }
    }
}

/// A client that comes back within `timeout` seconds gets the real server that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    pub timeout: u32,
    /// Length of the prefix that makes addresses one client, in bits of the service's family.
    pub prefix_len: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealServer {
    /// 0 = gets no clients.
    pub weight: u16,
    /// How to reach it; `None` while it is down or its MAC is not known.
    pub path: Option<Path>,
}

impl RealServer {
    /// Its share of the clients, 0 if it can have none.
    #[must_use]
    pub fn effective_weight(&self) -> u16 {
        self.path.map_or(0, |_| self.weight)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// It is this host.
    Local,
    /// It is a neighbour.
    Link {
        mac: Mac,
        /// MAC of the egress interface.
        source_mac: Mac,
        ifindex: u32,
        /// VLANs on it, the outer one first; 0 = none.
        vlans: [u16; 2],
    },
}

/// Key of a service in the kernel's map.
#[must_use]
pub fn service_key(address: std::net::SocketAddr, protocol: u8) -> ServiceKey {
    ServiceKey {
        address: address_bytes(address.ip()),
        port: address.port(),
        protocol,
        reserved: 0,
    }
}

/// 16-byte form of an address, IPv4 as v4-mapped.
#[must_use]
pub fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}
