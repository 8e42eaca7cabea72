//! The services that the rows are about: the same ones for both families, each address for one
//! subject.

use std::net::IpAddr;
use std::num::NonZeroU8;

use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Method, Path, RealServer, Service, service_key,
};

use super::frames::{Family, OUR_MAC, SCTP, TCP, UDP};

/// Test runs come in through the loopback device.
pub(crate) const INGRESS: u32 = 1;
pub(crate) const OTHER_NIC_MAC: Mac = Mac([2, 0, 0, 0, 0, 3]);
pub(crate) const SERVER_MAC: Mac = Mac([2, 0, 0, 0, 0, 4]);
const NO_NIC: u32 = 4_000_000;
pub(crate) const VIRTUAL_ROUTER: u8 = 51;

/// Many services: see [`table`]. Fragments are ambiguous.
pub(crate) const MANY: u8 = 10;
/// One service of each protocol but SCTP, so fragments are not ambiguous.
pub(crate) const SINGLE: u8 = 11;
/// All ports, some with a service of their own.
pub(crate) const WILDCARD: u8 = 12;
/// A real server in VLAN 5.
pub(crate) const VLAN: u8 = 13;
/// A real server in VLAN 8 inside VLAN 7.
pub(crate) const QINQ: u8 = 14;
/// One service of each protocol, and neither can take fragments.
pub(crate) const BY_PORT: u8 = 15;
/// One service of each protocol, and nobody to take fragments: inactive, local, no server.
pub(crate) const NOBODY: u8 = 16;
/// Services of a virtual router with a MAC of its own.
pub(crate) const VIRTUAL: u8 = 17;
/// No service at all.
pub(crate) const NONE: u8 = 99;

/// Ports of [`MANY`] with something wrong, or local.
pub(crate) const INACTIVE: u16 = 90;
pub(crate) const NO_SERVER: u16 = 91;
pub(crate) const LOCAL: u16 = 92;
pub(crate) const NO_EGRESS: u16 = 93;
/// Ports behind another NIC.
pub(crate) const THERE: u16 = 8080;
pub(crate) const SCTP_PORT: u16 = 2905;

fn service(path: Option<Path>) -> Service {
    let server = RealServer { weight: 1, path };
    let address = Family::V4.vip(200);
    Service::mh(true, [(address, server)].into())
}

fn inactive(path: Option<Path>) -> Service {
    Service {
        active: false,
        ..service(path)
    }
}

fn with_method(method: Method, path: Option<Path>) -> Service {
    Service {
        method,
        ..service(path)
    }
}

/// Of virtual router [`VIRTUAL_ROUTER`].
fn of_router(path: Option<Path>) -> Service {
    Service {
        virtual_router: NonZeroU8::new(VIRTUAL_ROUTER),
        ..service(path)
    }
}

fn link(ifindex: u32, source_mac: Mac, vlans: [u16; 2]) -> Option<Path> {
    Some(Path::Link {
        mac: SERVER_MAC,
        source_mac,
        ifindex,
        vlans,
    })
}

/// `other_nic` carries the program, too.
pub(crate) fn table(other_nic: u32) -> ForwardingTable {
    let here = link(INGRESS, OUR_MAC, [0; 2]);
    let there = link(other_nic, OTHER_NIC_MAC, [0; 2]);
    let in_vlan = link(INGRESS, OUR_MAC, [5, 0]);
    let in_vlan_there = link(other_nic, OTHER_NIC_MAC, [5, 0]);
    let in_two = link(INGRESS, OUR_MAC, [7, 8]);
    let local = Some(Path::Local);
    let by_port = Method::Mh { port: true };
    let services = [
        (MANY, 80, TCP, service(here)),
        (MANY, 53, UDP, service(here)),
        (MANY, THERE, TCP, service(there)),
        (MANY, THERE, UDP, service(there)),
        (MANY, INACTIVE, TCP, inactive(here)),
        (MANY, NO_SERVER, TCP, service(None)),
        (MANY, LOCAL, TCP, service(local)),
        (
            MANY,
            NO_EGRESS,
            TCP,
            service(link(NO_NIC, OTHER_NIC_MAC, [0; 2])),
        ),
        (MANY, SCTP_PORT, SCTP, service(here)),
        (MANY, THERE, SCTP, service(there)),
        (SINGLE, 80, TCP, service(here)),
        (SINGLE, 53, UDP, service(there)),
        (WILDCARD, 0, TCP, service(here)),
        (WILDCARD, 443, TCP, service(there)),
        (WILDCARD, INACTIVE, TCP, inactive(there)),
        (WILDCARD, 0, UDP, service(there)),
        (VLAN, 80, TCP, service(in_vlan)),
        (VLAN, 53, UDP, service(in_vlan)),
        (VLAN, THERE, TCP, service(in_vlan_there)),
        (VLAN, SCTP_PORT, SCTP, service(in_vlan)),
        (VLAN, INACTIVE, TCP, inactive(in_vlan)),
        (QINQ, 80, TCP, service(in_two)),
        (QINQ, 53, UDP, service(in_two)),
        (BY_PORT, 80, TCP, with_method(by_port, here)),
        (BY_PORT, 53, UDP, with_method(Method::Rr, here)),
        (NOBODY, 80, TCP, inactive(here)),
        (NOBODY, 53, UDP, service(local)),
        (NOBODY, SCTP_PORT, SCTP, service(None)),
        (VIRTUAL, 80, TCP, of_router(here)),
        (VIRTUAL, THERE, TCP, of_router(there)),
        (VIRTUAL, 53, UDP, of_router(in_vlan)),
    ];
    let keyed = |family: Family| {
        services
            .clone()
            .into_iter()
            .map(move |(host, port, protocol, service)| {
                let address: IpAddr = family.vip(host);
                (service_key((address, port).into(), protocol), service)
            })
    };
    ForwardingTable {
        services: Family::BOTH.into_iter().flat_map(keyed).collect(),
        interfaces: [(INGRESS, OUR_MAC), (other_nic, OTHER_NIC_MAC)].into(),
    }
}
