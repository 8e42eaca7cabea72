//! Tables for the tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lb_userspace::dataplane::ipvs::{Destination, Service, ServiceFlags, ServiceKey, Table};

use crate::place::{VIP, VIP6};
use crate::wire::PORT;

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

/// The service on the virtual address of a family.
pub(crate) fn key(v6: bool) -> ServiceKey {
    let address = if v6 { VIP6.into() } else { VIP.into() };
    ServiceKey::Address {
        address,
        port: PORT,
        protocol: TCP,
    }
}

/// The n-th real server of a family, by ascending address.
pub(crate) fn server(v6: bool, n: u16) -> IpAddr {
    let [high, low] = n.to_be_bytes();
    if v6 {
        [0x2001, 0xdb8, 9, 0, 0, 0, 0, n].into()
    } else {
        [10, 9, high, low].into()
    }
}

pub(crate) fn service(scheduler: &str, servers: &BTreeMap<IpAddr, u16>) -> Service {
    let destinations = servers.iter().map(|(&address, &weight)| {
        let destination = Destination {
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        (address, destination)
    });
    Service {
        scheduler: scheduler.to_owned(),
        flags: ServiceFlags::default(),
        persistence: None,
        destinations: destinations.collect(),
    }
}

pub(crate) fn table(services: impl IntoIterator<Item = (ServiceKey, Service)>) -> Table {
    Table {
        services: services.into_iter().collect(),
    }
}

/// Two servers of weights 1 and 2.
pub(crate) fn pair(v6: bool) -> BTreeMap<IpAddr, u16> {
    BTreeMap::from([(server(v6, 1), 1), (server(v6, 2), 2)])
}
