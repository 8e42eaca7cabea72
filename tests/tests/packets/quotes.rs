//! ICMP errors about something that is not forwarded, and broken ones.

use lb_common::reason::Reason;

use super::edits::{edited, fragment, shortened, tagged};
use super::frames::{C_TAG, CLIENT_PORT, ETHERNET, Family, TCP, UDP, packet, ports};
use super::icmp::{HEADER, answer, error, protocol};
use super::row::{Row, passed};
use super::world::{INACTIVE, LOCAL, MANY, NO_SERVER, NONE, SINGLE};

pub(crate) fn rows() -> Vec<Row> {
    let rows = |family| not_forwarded(family).into_iter().chain(wrong(family));
    Family::BOTH.into_iter().flat_map(rows).collect()
}

fn not_forwarded(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: ICMP: {what}", family.name());
    let about = |to: (u8, u16), protocol| error(to.0, family, &answer(family, to, protocol));
    let flooded = edited(about((MANY, 80), TCP), |f| f[5] = 99);
    let pass = |what, frame, reason| passed(words(what), frame, reason);
    vec![
        pass(
            "an error about a port without service",
            about((MANY, 81), TCP),
            Reason::NoService,
        ),
        pass(
            "an error about an address without service",
            about((NONE, 80), TCP),
            Reason::NoService,
        ),
        pass(
            "an error about the port in another protocol",
            about((MANY, 80), UDP),
            Reason::NoService,
        ),
        pass(
            "an error about a packet of another service address",
            error(SINGLE, family, &answer(family, (MANY, 80), TCP)),
            Reason::NoService,
        ),
        pass(
            "an error about an inactive service",
            about((MANY, INACTIVE), TCP),
            Reason::Inactive,
        ),
        pass(
            "an error about a service without usable server",
            about((MANY, NO_SERVER), TCP),
            Reason::NoRealServer,
        ),
        pass(
            "an error about a service whose server is this host",
            about((MANY, LOCAL), TCP),
            Reason::Local,
        ),
        pass(
            "an error in a VLAN, the server without",
            tagged(&about((MANY, 80), TCP), &[(C_TAG, 5)]),
            Reason::OtherVlan,
        ),
        pass("someone else's error", flooded, Reason::NotOurMac),
        pass(
            "an error about the director's own ping",
            about((MANY, 80), protocol(family)),
            Reason::NoService,
        ),
        pass(
            "an error about VRRP",
            about((MANY, 80), 112),
            Reason::NoService,
        ),
    ]
}

fn wrong(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: ICMP: {what}", family.name());
    let whole = error(MANY, family, &answer(family, (MANY, 80), TCP));
    let quoted = family.transport() + HEADER;
    let to_length = |length| shortened(&whole, length);
    // The client's packet to the service, not the service's to the client.
    let own = packet(family.vip(MANY), TCP, &ports(CLIENT_PORT, 80)).split_off(ETHERNET);
    let other_version = edited(whole.clone(), |f| f[quoted] = 0x55);
    let pass = |what, frame, reason| passed(words(what), frame, reason);
    vec![
        pass(
            "an error in pieces",
            fragment(&whole, 0, true),
            Reason::OtherProtocol,
        ),
        pass(
            "a later piece of an error",
            fragment(&whole, 100, false),
            Reason::OtherProtocol,
        ),
        pass(
            "an error that ends within the quoted ports",
            to_length(quoted + family.header() + 3),
            Reason::Malformed,
        ),
        pass(
            "an error that ends before the quoted ports",
            to_length(quoted + family.header()),
            Reason::Malformed,
        ),
        pass(
            "an error that ends within the quoted header",
            to_length(quoted + family.header() - 1),
            Reason::Malformed,
        ),
        pass(
            "an error that quotes nothing",
            to_length(quoted),
            Reason::Malformed,
        ),
        pass(
            "an error of two bytes",
            to_length(family.transport() + 2),
            Reason::Malformed,
        ),
        pass(
            "an error that quotes another version of IP",
            other_version,
            Reason::Malformed,
        ),
        pass(
            "an error about a packet to the service",
            error(MANY, family, &own),
            Reason::NoService,
        ),
    ]
}
