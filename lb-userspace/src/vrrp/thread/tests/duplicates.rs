//! Others that have what is ours: the mastership, or an address.

use std::net::IpAddr;
use std::time::Duration;

use super::families::{VIP_V6, v6};
use super::lab::{Director, INTERFACE, Lab, VIP, can_run, instance};
use super::{FIRST, SECOND, eventually};
use crate::config::{Garp, Instance};
use crate::dataplane::table::Mac;
use crate::vrrp::packet::{self, Advertisement, GROUP_V4};
use crate::vrrp::socket::link::LinkSocket;
use crate::vrrp::{Command, Event, frame};

const SECOND_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// One announcement for the takeover; more are defence.
fn quiet(instance: Instance) -> Instance {
    let garp = Garp {
        count: 1,
        ..instance.garp
    };
    Instance { garp, ..instance }
}

/// The other host has the address: that is found, said once, defended, and over with our
/// mastership.
fn found(director: &Director, address: IpAddr) {
    let begun = director.find(|event| {
        if let Event::Duplicate { address, mac, .. } = event {
            Some((address, mac))
        } else {
            None
        }
    });
    assert_eq!(begun, (address, Mac(SECOND_MAC)));
    eventually(|| director.statistics().announced > 1);
    assert_eq!(director.statistics().duplicates, 1);
    director.handle.send(Command::Shutdown);
    let gone = director.find(|event| {
        assert!(!matches!(event, Event::Duplicate { .. }), "said twice");
        if let Event::DuplicateGone { address, mac, .. } = event {
            Some((address, mac))
        } else {
            None
        }
    });
    assert_eq!(gone, begun);
}

#[test]
fn a_real_server_that_answers_for_the_address_is_found() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    // The fault of direct routing: the address on the loopback interface, without arp_ignore.
    lab.ip(1, "link set lo up");
    lab.ip(1, &format!("address add {VIP}/32 dev lo"));
    let director = lab.director(0);
    director.lead(&quiet(instance("VI", 255)));
    director.announce("VI");
    found(&director, VIP.into());
}

#[test]
fn a_host_that_has_the_ipv6_address_is_found() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    lab.ip(1, &format!("address add {VIP_V6}/64 dev {INTERFACE}"));
    let director = lab.director(0);
    director.lead(&quiet(v6("VI", 255)));
    director.announce("VI");
    found(&director, VIP_V6.into());
}

#[test]
fn two_masters_are_reported_from_begin_to_end() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let config = instance("VI", 150);
    let director = lab.director(0);
    director.lead(&config);
    let say = |priority| {
        let config = config.clone();
        lab.on(1, move || {
            let (source, group) = (SECOND.into(), GROUP_V4.into());
            let advertisement = Advertisement {
                version: config.version,
                virtual_router_id: config.virtual_router_id,
                priority,
                interval: config.advert_interval,
                addresses: vec![VIP.into()],
                auth: config.auth,
            };
            let message = packet::emit(&advertisement, config.checksum, source, group);
            let frame = frame::advertisement(SECOND_MAC, source, group, &message).unwrap();
            let name = std::ffi::CString::new(INTERFACE).unwrap();
            // SAFETY: a C string that outlives the call.
            let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
            LinkSocket::open().unwrap().send(index, &frame).unwrap();
        });
    };
    say(50);
    let begun = director.find(|event| {
        if let Event::Rival {
            own,
            source,
            priority,
            ..
        } = event
        {
            Some((own, source, priority))
        } else {
            None
        }
    });
    assert_eq!(begun, (FIRST.into(), SECOND.into(), 50));
    // Not heard again: three of its intervals and the skew time later it is over.
    let (source, lasted) = director.find(|event| {
        if let Event::RivalGone { source, lasted, .. } = event {
            Some((source, lasted))
        } else {
            None
        }
    });
    assert_eq!(source, IpAddr::from(SECOND));
    assert!(lasted >= Duration::from_millis(300), "{lasted:?}");
    assert_eq!(director.statistics().rivals, 1);
}
