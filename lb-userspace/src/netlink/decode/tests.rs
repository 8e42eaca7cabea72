//! Messages as `rtnetlink(7)` has them, put together byte by byte.

use netlink_packet_core::Parseable;

use super::*;
use crate::netlink::macvlan::Macvlan;

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VLAN_ID: u16 = 1;
const IFLA_VLAN_FLAGS: u16 = 2;
const IFLA_VLAN_PROTOCOL: u16 = 5;
const IFLA_MACVLAN_MODE: u16 = 1;
const ETH_P_8021Q: u16 = 0x8100;
const ETH_P_8021AD: u16 = 0x88a8;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An interface with index 7 and these attributes.
fn decoded(attributes: &[Vec<u8>]) -> Link {
    // struct ifinfomsg: family, padding, type (ARPHRD_ETHER), index, flags, change.
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&1_u16.to_ne_bytes());
    bytes.extend_from_slice(&7_u32.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend(attribute(IFLA_IFNAME, b"eth0.100\0"));
    bytes.extend(attribute(IFLA_ADDRESS, &[2, 0, 0, 0, 0, 7]));
    bytes.extend(attribute(IFLA_MTU, &1500_u32.to_ne_bytes()));
    bytes.extend(attributes.iter().flatten());
    link(&LinkMessage::parse(&bytes[..]).unwrap())
}

fn info(kind: &[u8], data: &[Vec<u8>]) -> Vec<u8> {
    let mut parts = attribute(IFLA_INFO_KIND, kind);
    if !data.is_empty() {
        parts.extend(attribute(IFLA_INFO_DATA, &data.concat()));
    }
    attribute(IFLA_LINKINFO, &parts)
}

fn vlan_info(id: u16, protocol: u16) -> Vec<u8> {
    info(
        b"vlan\0",
        &[
            attribute(IFLA_VLAN_PROTOCOL, &protocol.to_be_bytes()),
            attribute(IFLA_VLAN_ID, &id.to_ne_bytes()),
            attribute(IFLA_VLAN_FLAGS, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ],
    )
}

fn parent(index: u32) -> Vec<u8> {
    attribute(IFLA_LINK, &index.to_ne_bytes())
}

#[test]
fn vlan_devices_name_their_parent_and_their_id() {
    for protocol in [ETH_P_8021Q, ETH_P_8021AD] {
        let link = decoded(&[parent(3), vlan_info(100, protocol)]);
        let expected = Link {
            index: 7,
            name: "eth0.100".to_owned(),
            mac: Some(Mac([2, 0, 0, 0, 0, 7])),
            mtu: 1500,
            up: false,
            xdp: None,
            vlan: Some(Vlan { parent: 3, id: 100 }),
            macvlan: None,
        };
        assert_eq!(link, expected);
    }
}

#[test]
fn an_interface_is_up_with_a_carrier_alone() {
    for (flags, up) in [
        (LinkFlags::empty(), false),
        (LinkFlags::Up, false),
        (LinkFlags::Running, false),
        (LinkFlags::Up | LinkFlags::Running, true),
    ] {
        let mut message = LinkMessage::default();
        message.header.flags = flags;
        assert_eq!(link(&message).up, up, "{flags:?}");
    }
}

#[test]
fn other_devices_have_no_vlan() {
    assert_eq!(decoded(&[]).vlan, None);
    assert_eq!(decoded(&[parent(3), info(b"veth\0", &[])]).vlan, None);
    // Its mode has the number of a VLAN's id.
    let mode = attribute(IFLA_MACVLAN_MODE, &4_u32.to_ne_bytes());
    let macvlan = info(b"macvlan\0", &[mode]);
    assert_eq!(decoded(&[parent(3), macvlan]).vlan, None);
}

#[test]
fn a_macvlan_says_whose_it_is() {
    let device = |mode: u32, rest: &[Vec<u8>]| {
        let mode = attribute(IFLA_MACVLAN_MODE, &mode.to_ne_bytes());
        let macvlan = info(b"macvlan\0", &[mode]);
        decoded(&[&[parent(3), macvlan], rest].concat()).macvlan
    };
    let alias = |name: &[u8]| attribute(IFLA_IFALIAS, name);
    let found = |ours, anonymous| {
        Some(Macvlan {
            parent: 3,
            ours,
            anonymous,
            up: false,
        })
    };
    const PRIVATE: u32 = 1;
    const BRIDGE: u32 = 4;
    assert_eq!(device(PRIVATE, &[alias(b"lvx\0")]), found(true, false));
    assert_eq!(device(PRIVATE, &[]), found(false, true));
    assert_eq!(device(PRIVATE, &[alias(b"mine\0")]), found(false, false));
    assert_eq!(device(BRIDGE, &[alias(b"lvx\0")]), found(false, false));
    let elsewhere = attribute(IFLA_LINK_NETNSID, &0_i32.to_ne_bytes());
    let lost = device(PRIVATE, &[alias(b"lvx\0"), elsewhere]);
    assert_eq!(lost.map(|one| one.parent), Some(0));
    assert_eq!(
        decoded(&[parent(3), vlan_info(100, ETH_P_8021Q)]).macvlan,
        None
    );
}

#[test]
fn a_parent_in_another_namespace_is_none() {
    let elsewhere = attribute(IFLA_LINK_NETNSID, &0_i32.to_ne_bytes());
    let link = decoded(&[parent(3), elsewhere, vlan_info(100, ETH_P_8021Q)]);
    assert_eq!(link.vlan, None);
}
