//! What only one of the families has: IPv4 options, IPv6 extension headers.

use lb_common::reason::Reason;

use super::edits::{Extension, edited, extended, extension, fragment_extension, with_options};
use super::frames::{ETHERNET, Family, SCTP, ack, packet, sctp, syn, tcp, udp};
use super::row::{Row, passed, redirected, sent};
use super::world::{INACTIVE, LOCAL, MANY, SCTP_PORT, THERE};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = options();
    rows.extend(v4_fields());
    rows.extend(extensions());
    rows.extend(v6_fields());
    rows
}

fn options() -> Vec<Row> {
    let to = |port| (Family::V4.vip(MANY), port);
    let mut rows: Vec<Row> = (1..=10)
        .map(|words| {
            let frame = with_options(&tcp(to(80), 0, syn), words);
            sent(format!("a SYN with {words} words of IP options"), frame).opening()
        })
        .collect();
    rows.extend([
        sent(
            "UDP with the longest IP header",
            with_options(&udp(to(53), 30), 10),
        ),
        redirected(
            "IP options, to a server behind another NIC",
            with_options(&tcp(to(THERE), 5, ack), 3),
        ),
        passed(
            "IP options, to a port without service",
            with_options(&tcp(to(81), 5, ack), 3),
            Reason::NoService,
        ),
    ]);
    rows
}

fn v4_fields() -> Vec<Row> {
    let with = |edit: fn(&mut Vec<u8>)| edited(tcp((Family::V4.vip(MANY), 80), 9, ack), edit);
    vec![
        sent("the don't-fragment bit", with(|f| f[20] = 0x40)),
        sent("no don't-fragment bit", with(|f| f[20] = 0)),
        sent("the reserved bit of the flags", with(|f| f[20] = 0x80)),
        sent("an IPv4 checksum of zero", with(|f| f[24..26].fill(0))),
        sent("a wrong IPv4 checksum", with(|f| f[24..26].fill(0xdd))),
        sent("an identification", with(|f| f[18..20].fill(0x77))),
    ]
}

fn v6_fields() -> Vec<Row> {
    let label = edited(tcp((Family::V6.vip(MANY), 80), 9, ack), |f| {
        f[15..18].copy_from_slice(&[0x0a, 0xbc, 0xde]);
    });
    vec![sent("a flow label", label)]
}

/// One AH header (RFC 4302 section 2.2): its length is in units of four bytes, less two.
fn authentication() -> Extension {
    let mut bytes = vec![0; 24];
    bytes[1] = 4;
    (AUTHENTICATION, bytes)
}

fn extensions() -> Vec<Row> {
    let to = |port| (Family::V6.vip(MANY), port);
    let with = |extensions: &[Extension]| extended(&tcp(to(80), 0, syn), extensions);
    let one = |number| extension(number, 0);
    let many = |count| vec![one(DESTINATION); count];
    // A last header that says it is longer than the frame, and one of which half is there.
    let too_long = edited(with(&[one(DESTINATION)]), |f| f[55] = 200);
    let only = |bytes: &[u8]| packet(Family::V6.vip(MANY), DESTINATION, bytes);
    let opened = |words: &str, frame| sent(words, frame).opening();
    let every = [
        one(HOP_BY_HOP),
        one(DESTINATION),
        one(ROUTING),
        fragment_extension(0, false),
        authentication(),
        extension(DESTINATION, 2),
    ];
    vec![
        opened("hop-by-hop options", with(&[one(HOP_BY_HOP)])),
        opened("a routing header", with(&[one(ROUTING)])),
        opened("destination options", with(&[one(DESTINATION)])),
        opened(
            "an atomic fragment is no fragment",
            with(&[fragment_extension(0, false)]),
        ),
        opened("an authentication header", with(&[authentication()])),
        opened(
            "an extension header of 24 bytes",
            with(&[extension(DESTINATION, 2)]),
        ),
        opened(
            "an extension header of 1,032 bytes",
            with(&[extension(DESTINATION, 128)]),
        ),
        opened("each kind of extension header", with(&every)),
        opened("two extension headers", with(&many(2))),
        opened("five extension headers", with(&many(5))),
        opened("as many extension headers as are walked", with(&many(6))),
        passed(
            "one extension header too many",
            with(&many(7)),
            Reason::ExtensionHeaders,
        ),
        passed(
            "eight extension headers of all kinds",
            with(&[&every[..], &many(2)].concat()),
            Reason::ExtensionHeaders,
        ),
        sent(
            "UDP behind an extension header",
            extended(&udp(to(53), 30), &[one(DESTINATION)]),
        ),
        sent(
            "SCTP behind an extension header",
            extended(&sctp(to(SCTP_PORT), Some(1)), &[one(DESTINATION)]),
        )
        .opening(),
        redirected(
            "extension headers, to a server behind another NIC",
            extended(&tcp(to(THERE), 5, ack), &many(2)),
        ),
        passed(
            "extension headers, to a port without service",
            extended(&tcp(to(81), 5, ack), &many(2)),
            Reason::NoService,
        ),
        passed(
            "extension headers, to an inactive service",
            extended(&tcp(to(INACTIVE), 5, ack), &many(1)),
            Reason::Inactive,
        ),
        passed(
            "extension headers, and the server is this host",
            extended(&tcp(to(LOCAL), 5, ack), &many(1)),
            Reason::Local,
        ),
        passed(
            "VRRP behind an extension header",
            extended(
                &packet(Family::V6.vip(MANY), 112, &[0; 20]),
                &[one(HOP_BY_HOP)],
            ),
            Reason::OtherProtocol,
        ),
        passed(
            "no next header",
            packet(Family::V6.vip(MANY), 59, &[0; 20]),
            Reason::OtherProtocol,
        ),
        passed(
            "no next header behind an extension header",
            extended(
                &packet(Family::V6.vip(MANY), 59, &[0; 20]),
                &[one(DESTINATION)],
            ),
            Reason::OtherProtocol,
        ),
        passed(
            "ESP behind an extension header",
            extended(
                &packet(Family::V6.vip(MANY), 50, &[0; 20]),
                &[one(DESTINATION)],
            ),
            Reason::OtherProtocol,
        ),
        passed(
            "a mobility header, which is not walked",
            extended(&tcp(to(80), 0, syn), &[one(135)]),
            Reason::OtherProtocol,
        ),
        passed(
            "an extension header that reaches beyond the frame",
            too_long,
            Reason::Malformed,
        ),
        passed(
            "half an extension header",
            only(&[SCTP, 0, 0, 0]),
            Reason::Malformed,
        ),
        passed(
            "one byte of an extension header",
            only(&[6]),
            Reason::Malformed,
        ),
        passed(
            "nothing behind an extension header",
            only(&[6, 0, 0, 0, 0, 0, 0, 0]),
            Reason::Malformed,
        ),
        passed(
            "an IPv6 frame that ends within its header",
            tcp(to(80), 0, syn)[..ETHERNET + 39].to_vec(),
            Reason::Malformed,
        ),
    ]
}
