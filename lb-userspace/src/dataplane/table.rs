//! The desired forwarding state, complete, as `control` computes it. PURE.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use lb_common::layout::ServiceKey;

/// Hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

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
    /// All that are configured, by address: one that cannot be used now keeps its counters.
    pub real_servers: BTreeMap<IpAddr, RealServer>,
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
