//! A plain forwarding table for test runs: servers that are told apart by the last byte of their
//! MACs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, service_key,
};

use crate::segment::{Flow, OUR_MAC, TCP};

/// Test runs come in through the loopback device.
pub const LOOPBACK: u32 = 1;
pub const SERVERS: u8 = 10;

/// A service's address, by its last byte.
#[must_use]
pub fn vip(host: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, host), 80).into()
}

/// The one connection of each client, by number.
#[must_use]
pub fn flow(host: u8, client: u16) -> Flow {
    let [high, low] = client.to_be_bytes();
    Flow {
        client: (Ipv4Addr::new(198, 18, high, low), 40_000).into(),
        service: vip(host),
    }
}

/// An `mh` service of ten servers with these weights, behind this interface.
#[must_use]
pub fn service(ifindex: u32, weight: impl Fn(u8) -> u16) -> Service {
    let server = |last: u8| {
        let path = Path::Link {
            mac: Mac([2, 0, 0, 0, 1, last]),
            source_mac: OUR_MAC,
            ifindex,
            vlans: [0; 2],
        };
        let (weight, path) = (weight(last), Some(path));
        let address: IpAddr = Ipv4Addr::new(192, 0, 2, 100 + last).into();
        (address, RealServer { weight, path })
    };
    Service::mh(true, (1..=SERVERS).map(server).collect())
}

/// TCP services, each at its [`vip`].
#[must_use]
pub fn table(ifindex: u32, services: impl IntoIterator<Item = (u8, Service)>) -> ForwardingTable {
    let keyed = |(host, service)| (service_key(vip(host), TCP), service);
    ForwardingTable {
        services: services.into_iter().map(keyed).collect(),
        interfaces: [(ifindex, OUR_MAC)].into(),
    }
}
