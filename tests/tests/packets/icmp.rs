//! ICMP: errors go to the server of the connection whose packet they quote, all other messages are
//! the kernel's.

use lb_common::reason::Reason;

use super::edits::{Extension, edited, extended, extension, tagged, with_options};
use super::frames::{C_TAG, CLIENT_PORT, ETHERNET, Family, SCTP, TCP, UDP, packet_between, ports};
use super::row::{Row, passed, redirected, sent};
use super::world::{MANY, SCTP_PORT, THERE, VLAN, WILDCARD};

pub(crate) const HEADER: usize = 8;

pub(crate) const fn protocol(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 58,
    }
}

/// Type and code of an error, in words.
const V4_ERRORS: [(u8, u8, &str); 7] = [
    (3, 1, "host unreachable"),
    (3, 3, "port unreachable"),
    (3, 4, "fragmentation needed"),
    (3, 13, "prohibited"),
    (11, 0, "time exceeded on the way"),
    (11, 1, "time exceeded in reassembly"),
    (12, 0, "parameter problem"),
];
const V6_ERRORS: [(u8, u8, &str); 6] = [
    (1, 0, "no route"),
    (1, 4, "port unreachable"),
    (2, 0, "packet too big"),
    (3, 0, "time exceeded on the way"),
    (3, 1, "time exceeded in reassembly"),
    (4, 1, "parameter problem"),
];
const V4_OTHERS: [(u8, &str); 7] = [
    (0, "echo reply"),
    (4, "source quench"),
    (5, "redirect"),
    (8, "echo request"),
    (9, "router advertisement"),
    (13, "timestamp"),
    (255, "a type that nobody knows"),
];
const V6_OTHERS: [(u8, &str); 9] = [
    (0, "a reserved error"),
    (100, "an error for experiments"),
    (128, "echo request"),
    (129, "echo reply"),
    (133, "router solicitation"),
    (134, "router advertisement"),
    (135, "neighbour solicitation"),
    (136, "neighbour advertisement"),
    (137, "redirect"),
];

fn too_big(family: Family) -> (u8, u8) {
    match family {
        Family::V4 => (3, 4),
        Family::V6 => (2, 0),
    }
}

/// An ICMP message to a virtual address.
pub(crate) fn message(host: u8, family: Family, kind: (u8, u8), rest: &[u8]) -> Vec<u8> {
    let mut body = vec![kind.0, kind.1, 0x12, 0x34, 0, 0, 5, 0];
    body.extend(rest);
    packet_between(family.router(), family.vip(host), protocol(family), &body)
}

/// An error of the router about a packet.
pub(crate) fn error(host: u8, family: Family, quoted: &[u8]) -> Vec<u8> {
    message(host, family, too_big(family), quoted)
}

/// An answer of a service to the client, without Ethernet, as long as IPv4 routers used to quote.
pub(crate) fn answer(family: Family, (host, port): (u8, u16), protocol: u8) -> Vec<u8> {
    let mut body = ports(port, CLIENT_PORT);
    body.extend([0xa5; 4]);
    let from = family.vip(host);
    packet_between(from, family.client(), protocol, &body).split_off(ETHERNET)
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let https = |family| answer(family, (MANY, 80), TCP);
    for (kind, code, name) in V4_ERRORS {
        let frame = message(MANY, Family::V4, (kind, code), &https(Family::V4));
        rows.push(sent(format!("ICMP: {name}"), frame));
    }
    for (kind, code, name) in V6_ERRORS {
        let frame = message(MANY, Family::V6, (kind, code), &https(Family::V6));
        rows.push(sent(format!("ICMPv6: {name}"), frame));
    }
    let others = |family: Family, kinds: &[(u8, &str)]| -> Vec<Row> {
        let row = |(kind, name): &(u8, &str)| {
            let frame = message(MANY, family, (*kind, 0), &https(family));
            let words = format!("{}: ICMP: {name}", family.name());
            passed(words, frame, Reason::OtherProtocol)
        };
        kinds.iter().map(row).collect()
    };
    rows.extend(others(Family::V4, &V4_OTHERS));
    rows.extend(others(Family::V6, &V6_OTHERS));
    for family in Family::BOTH {
        rows.extend(forwarded(family));
    }
    rows.extend(v4());
    rows.extend(v6());
    rows
}

fn forwarded(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: ICMP: {what}", family.name());
    let about = |to: (u8, u16), protocol| error(to.0, family, &answer(family, to, protocol));
    let mut long = answer(family, (MANY, 80), TCP);
    long.extend([0xa5; 500]);
    let minimal = &answer(family, (MANY, 80), TCP)[..family.header() + 4];
    // The quoted packet's hop limit has come to its end.
    let expired = edited(answer(family, (MANY, 80), TCP), |quoted| match family {
        Family::V4 => quoted[8] = 0,
        Family::V6 => quoted[7] = 0,
    });
    vec![
        sent(words("an error about UDP"), about((MANY, 53), UDP)),
        sent(words("an error about SCTP"), about((MANY, SCTP_PORT), SCTP)),
        redirected(
            words("an error about a server behind another NIC"),
            about((MANY, THERE), TCP),
        ),
        sent(
            words("an error that quotes much"),
            error(MANY, family, &long),
        ),
        sent(
            words("an error that quotes no more than the ports"),
            error(MANY, family, minimal),
        ),
        sent(
            words("an error about a packet at the end of its way"),
            error(MANY, family, &expired),
        ),
        sent(
            words("an error about a service on all ports"),
            about((WILDCARD, 12_345), TCP),
        ),
        redirected(
            words("an error about a service of its own beside one on all ports"),
            about((WILDCARD, 443), TCP),
        ),
        sent(
            words("an error in a VLAN"),
            tagged(&about((VLAN, 80), TCP), &[(C_TAG, 0x6064)]),
        )
        .into_vlans(&[5]),
    ]
}

fn v4() -> Vec<Row> {
    let quoted = answer(Family::V4, (MANY, 80), TCP);
    let options = |words| {
        let frame = [vec![0; ETHERNET], quoted.clone()].concat();
        with_options(&frame, words).split_off(ETHERNET)
    };
    let both = with_options(&error(MANY, Family::V4, &options(1)), 2);
    let mut short = quoted.clone();
    short[0] = 0x44;
    // Long before it came to where it could not go on: DF, and 1,500 bytes.
    let long = edited(quoted.clone(), |q| {
        q[2..4].copy_from_slice(&1500u16.to_be_bytes())
    });
    let about = |quoted: &[u8]| error(MANY, Family::V4, quoted);
    vec![
        sent("ICMP: a quoted packet with options", about(&options(1))),
        sent(
            "ICMP: a quoted packet with the longest header",
            about(&options(10)),
        ),
        sent("ICMP: options outside and inside", both),
        sent("ICMP: of 1,500 bytes, the first are quoted", about(&long)),
        passed(
            "ICMP: a quoted header length of 16",
            about(&short),
            Reason::Malformed,
        ),
    ]
}

fn v6() -> Vec<Row> {
    let quoted = answer(Family::V6, (MANY, 80), TCP);
    let with = |extensions: &[Extension]| {
        let frame = [vec![0; ETHERNET], quoted.clone()].concat();
        extended(&frame, extensions).split_off(ETHERNET)
    };
    let about = |quoted: &[u8]| error(MANY, Family::V6, quoted);
    let behind = |number| extended(&about(&quoted), &[extension(number, 0)]);
    let long = edited(quoted.clone(), |q| {
        q[4..6].copy_from_slice(&1440u16.to_be_bytes())
    });
    let mut rows = vec![
        sent("ICMPv6: an error behind hop-by-hop options", behind(0)),
        sent("ICMPv6: an error behind destination options", behind(60)),
        sent("ICMPv6: of 1,480 bytes, the first are quoted", about(&long)),
        passed(
            "ICMPv6: multicast listener report behind hop-by-hop options",
            extended(
                &message(MANY, Family::V6, (143, 0), &[0; 20]),
                &[extension(0, 0)],
            ),
            Reason::OtherProtocol,
        ),
    ];
    rows.extend([0, 43, 60].map(|number| {
        passed(
            format!("ICMPv6: a quoted packet with extension header {number}"),
            about(&with(&[extension(number, 0)])),
            Reason::ExtensionHeaders,
        )
    }));
    rows
}
