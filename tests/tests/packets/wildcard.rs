//! Services on port 0: all ports of an address and protocol that have no service of their own.

use lb_common::reason::Reason;

use super::edits::{edited, extended, extension, tagged, with_options};
use super::frames::{C_TAG, Family, ack, syn, tcp, udp};
use super::row::{Row, passed, redirected, sent};
use super::world::{INACTIVE, MANY, SINGLE, WILDCARD};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Family::BOTH.into_iter().flat_map(of_family).collect();
    let [v4, v6] = Family::BOTH.map(|family| (family.vip(WILDCARD), 12_345));
    rows.extend([
        sent(
            "all ports, with IP options",
            with_options(&tcp(v4, 0, syn), 4),
        )
        .opening(),
        sent(
            "all ports, with extension headers",
            extended(&tcp(v6, 0, syn), &[extension(60, 0)]),
        )
        .opening(),
    ]);
    rows
}

fn of_family(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: all ports: {what}", family.name());
    let to = |port| (family.vip(WILDCARD), port);
    let open = |port| tcp(to(port), 0, syn);
    let flooded = edited(open(7), |f| f[5] = 99);
    let cut_off = edited(open(7), |f| f.truncate(f.len() - 1));
    let pass = |what, frame, reason| passed(words(what), frame, reason);
    vec![
        sent(words("port 80"), open(80)).opening(),
        sent(words("port 1"), open(1)).opening(),
        sent(words("port 65535"), open(65_535)).opening(),
        sent(words("port 0 itself"), open(0)).opening(),
        sent(words("data"), tcp(to(7), 100, ack)),
        redirected(words("UDP has a service of its own"), udp(to(7), 10)),
        redirected(words("a port with its own service"), open(443)).opening(),
        redirected(words("that port in UDP"), udp(to(443), 10)),
        pass(
            "a port whose own service is inactive",
            open(INACTIVE),
            Reason::Inactive,
        ),
        pass(
            "other addresses do not have it",
            tcp((family.vip(SINGLE), 12_345), 0, syn),
            Reason::NoService,
        ),
        pass(
            "nor do addresses with many services",
            udp((family.vip(MANY), 12_345), 0),
            Reason::NoService,
        ),
        pass("someone else's frame", flooded, Reason::NotOurMac),
        pass("a frame that is cut off", cut_off, Reason::Malformed),
        pass(
            "a VLAN, the server without",
            tagged(&open(7), &[(C_TAG, 5)]),
            Reason::OtherVlan,
        ),
    ]
}
