//! Frames to the virtual MAC of a virtual router (RFC 9568 section 7.3).

use lb_common::reason::Reason;

use super::edits::tagged;
use super::frames::{C_TAG, Family, ack, tcp, udp};
use super::row::{Row, passed, redirected, sent};
use super::world::{MANY, THERE, VIRTUAL, VIRTUAL_ROUTER};

pub(crate) fn rows() -> Vec<Row> {
    Family::BOTH.into_iter().flat_map(of).collect()
}

/// The MAC of a virtual router of this family.
const fn mac(family: Family, id: u8) -> [u8; 6] {
    let form = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    [0, 0, 0x5e, 0, form, id]
}

fn to_mac(mac: [u8; 6], mut frame: Vec<u8>) -> Vec<u8> {
    frame[..6].copy_from_slice(&mac);
    frame
}

fn of(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let frame = |host, port| tcp((family.vip(host), port), 10, ack);
    let own = mac(family, VIRTUAL_ROUTER);
    let other = match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    let in_vlan = tagged(&udp((family.vip(VIRTUAL), 53), 10), &[(C_TAG, 5)]);
    let mut rows = vec![
        sent(
            words("to the virtual MAC of its router"),
            to_mac(own, frame(VIRTUAL, 80)),
        ),
        sent(
            words("to the plain MAC, with a virtual router"),
            frame(VIRTUAL, 80),
        ),
        sent(words("to the virtual MAC in a VLAN"), to_mac(own, in_vlan)),
        redirected(
            words("to the virtual MAC, for a server behind another NIC"),
            to_mac(own, frame(VIRTUAL, THERE)),
        ),
        redirected(
            words("to the plain MAC, for a server behind another NIC, with a virtual router"),
            frame(VIRTUAL, THERE),
        ),
    ];
    let strange = [
        (
            "another router's virtual MAC",
            mac(family, VIRTUAL_ROUTER + 1),
        ),
        ("no router's virtual MAC", mac(family, 0)),
        ("the other family's virtual MAC", mac(other, VIRTUAL_ROUTER)),
        (
            "a MAC that ends like the virtual one",
            [2, 0, 0x5e, 0, own[4], own[5]],
        ),
    ];
    for (name, strange) in strange {
        for port in [80, THERE] {
            let frame = to_mac(strange, frame(VIRTUAL, port));
            let words = words(&format!("to {name}, port {port}"));
            rows.push(passed(words, frame, Reason::NotOurMac));
        }
    }
    rows.push(passed(
        words("to a virtual MAC, of a service without virtual router"),
        to_mac(own, frame(MANY, 80)),
        Reason::NotOurMac,
    ));
    rows.push(passed(
        words("to 00-00-5E-00-00-00, of a service without virtual router"),
        to_mac([0, 0, 0x5e, 0, 0, 0], frame(MANY, 80)),
        Reason::NotOurMac,
    ));
    rows
}
