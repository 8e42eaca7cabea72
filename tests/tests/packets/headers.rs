//! Headers in front of TCP and UDP: whose frame it is, fields that do not matter, other protocols.

use lb_common::reason::Reason;

use super::edits::{edited, shortened};
use super::frames::{Family, TCP, UDP, ack, other, packet, syn, tcp, udp};
use super::row::{Row, passed, sent};
use super::world::{MANY, SERVER_MAC, THERE};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for family in Family::BOTH {
        rows.extend(link_addresses(family));
        rows.extend(ip_fields(family));
        rows.extend(checksums(family));
        rows.extend(other_protocols(family));
    }
    rows.extend(not_ip());
    rows
}

fn link_addresses(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let group = match family {
        Family::V4 => [1, 0, 0x5e, 0, 2, MANY],
        Family::V6 => [0x33, 0x33, 0xff, 0, 0, MANY],
    };
    let to_mac = |port, mac: [u8; 6]| {
        edited(tcp((family.vip(MANY), port), 0, ack), |f| {
            f[..6].copy_from_slice(&mac);
        })
    };
    let peer = edited(tcp((family.vip(MANY), 80), 0, ack), |f| {
        f[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 77]);
    });
    let not_ours = |what, frame| passed(words(what), frame, Reason::NotOurMac);
    vec![
        not_ours(
            "a frame flooded to someone else",
            to_mac(80, [2, 0, 0, 0, 0, 99]),
        ),
        not_ours(
            "a frame that we rewrote and that comes back",
            to_mac(80, SERVER_MAC.0),
        ),
        not_ours("a broadcast frame", to_mac(80, [0xff; 6])),
        not_ours("a multicast frame", to_mac(80, group)),
        not_ours(
            "someone else's, with a server behind another NIC",
            to_mac(THERE, [2, 0, 0, 0, 0, 99]),
        ),
        not_ours(
            "a broadcast frame, with a server behind another NIC",
            to_mac(THERE, [0xff; 6]),
        ),
        sent(
            words("from a peer director, it is a packet as any other"),
            peer,
        ),
    ]
}

/// Everything that says nothing about where a packet belongs.
fn ip_fields(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let time_to_live = |time| {
        edited(tcp((family.vip(MANY), 80), 0, ack), |f| match family {
            Family::V4 => f[22] = time,
            Family::V6 => f[21] = time,
        })
    };
    let traffic_class = edited(tcp((family.vip(MANY), 80), 0, ack), |f| match family {
        Family::V4 => f[15] = 0xbb,
        Family::V6 => (f[14], f[15]) = (0x6b, 0xb0),
    });
    vec![
        sent(
            words("a time to live of 1 is left as it is, as by IPVS DR"),
            time_to_live(1),
        ),
        sent(words("a time to live of 255"), time_to_live(255)),
        sent(words("a traffic class with ECN"), traffic_class),
    ]
}

/// Nobody looks at them here: a NIC may not have filled them in yet.
fn checksums(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let l4 = family.transport();
    let with = |frame, at: usize, sum: [u8; 2]| {
        edited(frame, |f: &mut Vec<u8>| {
            f[at..at + 2].copy_from_slice(&sum);
        })
    };
    let segment = || tcp((family.vip(MANY), 80), 20, ack);
    let datagram = || udp((family.vip(MANY), 53), 20);
    vec![
        sent(
            words("a TCP checksum of zero"),
            with(segment(), l4 + 16, [0; 2]),
        ),
        sent(
            words("a wrong TCP checksum"),
            with(segment(), l4 + 16, [0xde, 0xad]),
        ),
        sent(
            words("a UDP checksum of zero"),
            with(datagram(), l4 + 6, [0; 2]),
        ),
        sent(
            words("a wrong UDP checksum"),
            with(datagram(), l4 + 6, [0xde, 0xad]),
        ),
        sent(
            words("a UDP length of its own that is wrong"),
            with(datagram(), l4 + 4, [0xff, 0xff]),
        ),
    ]
}

fn other_protocols(family: Family) -> Vec<Row> {
    let protocols = [
        (112, "VRRP"),
        (50, "ESP"),
        (47, "GRE"),
        (4, "IPv4 inside"),
        (41, "IPv6 inside"),
        (33, "DCCP"),
        (136, "UDP-Lite"),
        (2, "IGMP"),
        (255, "a protocol that is none"),
    ];
    let body = tcp((family.vip(MANY), 80), 0, syn).split_off(family.transport());
    protocols
        .into_iter()
        .map(|(number, name)| {
            passed(
                format!("{}: {name} to the virtual address", family.name()),
                packet(family.vip(MANY), number, &body),
                Reason::OtherProtocol,
            )
        })
        .collect()
}

fn not_ip() -> Vec<Row> {
    let arp = edited(other(0x0806, 28), |f| f[..6].fill(0xff));
    let crossed = |family: Family, ethertype: [u8; 2]| {
        edited(tcp((family.vip(MANY), 80), 0, syn), |f| {
            f[12..14].copy_from_slice(&ethertype);
        })
    };
    // Large enough that only the version says what is wrong.
    let v6_as_v4 = crossed(Family::V6, [8, 0]);
    let v4_as_v6 = crossed(Family::V4, [0x86, 0xdd]);
    let body = |protocol| packet(Family::V4.vip(MANY), protocol, &[0, 80]);
    vec![
        passed("ARP", arp, Reason::NotIp),
        passed("LLDP", other(0x88cc, 60), Reason::NotIp),
        passed("PPPoE", other(0x8864, 60), Reason::NotIp),
        passed("MPLS", other(0x8847, 60), Reason::NotIp),
        passed(
            "a length instead of an ethertype (LLC)",
            other(60, 60),
            Reason::NotIp,
        ),
        passed("IPv6 under IPv4's ethertype", v6_as_v4, Reason::Malformed),
        passed("IPv4 under IPv6's ethertype", v4_as_v6, Reason::Malformed),
        passed("TCP of two bytes", body(TCP), Reason::Malformed),
        passed("UDP of two bytes", body(UDP), Reason::Malformed),
        passed(
            "nothing behind Ethernet",
            other(0x0800, 0),
            Reason::Malformed,
        ),
        passed(
            "half an IPv4 header",
            shortened(&tcp((Family::V4.vip(MANY), 80), 0, syn), 24),
            Reason::Malformed,
        ),
    ]
}
