//! IPv6, unicast and virtual MACs.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU8;

use super::lab::{INTERFACE, Lab, VIP, can_run, instance};
use super::{FIRST, FIRST_MAC, SECOND, eventually};
use crate::config::{Instance, InterfaceAddress, Unicast};
use crate::vrrp::frame::{arp, ndp};
use crate::vrrp::packet::{self, Advertisement};
use crate::vrrp::socket::receive::split_ipv6;
use crate::vrrp::socket::unicast::UnicastSocket;
use crate::vrrp::{Command, Event, State};

/// Of the MACs 02:00:00:00:00:01 and :02.
pub(super) const FIRST_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 1);
const SECOND_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 2);
pub(super) const VIP_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x10);

pub(super) fn v6(name: &str, priority: u8) -> Instance {
    Instance {
        addresses: vec![InterfaceAddress {
            address: VIP_V6.into(),
            prefix_len: 64,
        }],
        ..instance(name, priority)
    }
}

fn unicast(instance: Instance, peer: IpAddr) -> Instance {
    Instance {
        unicast: Some(Unicast {
            source: None,
            peers: vec![peer],
            ttl: NonZeroU8::MAX,
            accepted_ttl: 255..=255,
        }),
        ..instance
    }
}

/// The first leads, the other follows it; then they change by a clean stop. All advertisements
/// are let in.
fn change(lab: &Lab, high: &Instance, low: &Instance, first: IpAddr) {
    let (one, other) = (lab.director(0), lab.director(1));
    one.lead(high);
    other.configure(std::slice::from_ref(low));
    other.start("VI");
    assert_eq!(other.until_leader(), (first, 150));
    one.handle.send(Command::Shutdown);
    let (cause, _) = other.until(State::Master);
    assert_eq!(cause, format!("{first} gave up (priority 0)"));
    one.until_leader();
    for statistics in [one.statistics(), other.statistics()] {
        let errors = statistics.errors.iter().all(|(_, count)| *count == 0);
        assert!(errors && statistics.send_errors == 0, "{statistics:?}");
    }
    assert_eq!(one.statistics().sent_priority_zero, 1);
    assert_eq!(other.statistics().received_priority_zero, 1);
}

#[test]
fn ipv6_elects_and_announces() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let director = lab.director(0);
    director.lead(&v6("VI", 150));
    let (header, vrid) = wire.find(|frame| {
        let (header, message) = split_ipv6(frame.get(14..)?)?;
        Some((header, packet::peek_virtual_router_id(message)))
    });
    assert_eq!((header.source, header.ttl), (FIRST_V6.into(), 255));
    assert_eq!(vrid, Some(51));
    director.announce("VI");
    let announcement = ndp::announcement(FIRST_MAC, VIP_V6);
    wire.find(|frame| (frame == announcement).then_some(()));
    drop(director);
    change(&lab, &v6("VI", 150), &v6("VI", 100), FIRST_V6.into());
}

#[test]
fn unicast_in_both_families() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let high = |config, peer| unicast(config, peer);
    change(
        &lab,
        &high(instance("VI", 150), SECOND.into()),
        &high(instance("VI", 100), FIRST.into()),
        FIRST.into(),
    );
    change(
        &lab,
        &high(v6("VI", 150), SECOND_V6.into()),
        &high(v6("VI", 100), FIRST_V6.into()),
        FIRST_V6.into(),
    );
}

#[test]
fn a_stranger_is_not_let_in() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let config = unicast(instance("VI", 150), SECOND.into());
    let director = lab.director(0);
    director.lead(&config);
    // Nothing goes to the group.
    let destination = wire.find(|frame| {
        let (header, _) = packet::split_ipv4(frame.get(14..)?).ok()?;
        Some(header.destination)
    });
    assert_eq!(destination, IpAddr::from(SECOND));
    lab.ip(1, &format!("address add 192.0.2.99/24 dev {INTERFACE}"));
    lab.on(1, move || {
        let stranger = IpAddr::from([192, 0, 2, 99]);
        let advertisement = Advertisement {
            version: config.version,
            virtual_router_id: config.virtual_router_id,
            priority: 200,
            interval: config.advert_interval,
            addresses: vec![VIP.into()],
            auth: config.auth,
        };
        let message = packet::emit(&advertisement, config.checksum, stranger, FIRST.into());
        // Index 0: only a link-local address needs it.
        let socket = UnicastSocket::open(INTERFACE, 0, stranger, 255).unwrap();
        socket.send(FIRST.into(), &message).unwrap();
    });
    eventually(|| {
        let errors = director.statistics().errors;
        errors.contains(&("not_a_peer", 1))
    });
    let sent = director.statistics().sent;
    eventually(|| director.statistics().sent > sent + 1);
    assert_eq!(director.statistics().received, 0);
}

#[test]
fn virtual_mac_is_the_source_of_all_frames() {
    if !can_run() {
        return;
    }
    let announcement = arp::gratuitous([0, 0, 0x5e, 0, 1, 51], VIP);
    check_virtual_mac(instance, 1, FIRST.into(), &announcement);
    let announcement = ndp::announcement([0, 0, 0x5e, 0, 2, 51], VIP_V6);
    check_virtual_mac(v6, 2, FIRST_V6.into(), &announcement);
}

fn check_virtual_mac(
    config: fn(&str, u8) -> Instance,
    family: u8,
    source: IpAddr,
    announcement: &[u8],
) {
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let device = "vrrp.51";
    let with_mac = |priority| Instance {
        virtual_mac: Some(device.to_owned()),
        ..config("VI", priority)
    };
    let make = |host| {
        let name = format!("{device} link {INTERFACE} address 00:00:5e:00:0{family}:33");
        lab.ip(host, &format!("link add {name} type macvlan mode private"));
        lab.ip(host, &format!("link set {device} up"));
    };
    let (first, second) = (lab.director(0), lab.director(1));
    first.configure(&[with_mac(150)]);
    first.start("VI");
    let missing = first.find(|event| {
        if let Event::Failed { error, .. } = event {
            Some(error)
        } else {
            None
        }
    });
    let expected = format!("there is no device {device} for the virtual MAC yet");
    assert_eq!(missing, expected);
    make(0);
    first.until(State::Master);
    let (mac, header) = wire.find(|frame| {
        let packet = frame.get(14..)?;
        let v4 = packet::split_ipv4(packet).ok();
        let (header, _) = v4.or_else(|| split_ipv6(packet))?;
        Some((frame[6..12].to_vec(), header))
    });
    assert_eq!(mac, [0, 0, 0x5e, 0, family, 51]);
    assert_eq!(header.source, source);
    first.announce("VI");
    wire.find(|frame| (frame == announcement).then_some(()));

    // The other's macvlan device has the same MAC, and takes frames from it for itself.
    make(1);
    second.configure(&[with_mac(100)]);
    second.start("VI");
    assert_eq!(second.until_leader(), (source, 150));
    let received = second.statistics().received;
    eventually(|| second.statistics().received > received + 2);
    assert_eq!(second.statistics().became_master, 0);
}
