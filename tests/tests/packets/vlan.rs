//! VLAN tags: as many as the real server's network has, and then its VLANs.

use lb_common::reason::Reason;

use super::edits::{edited, extended, extension, fragment, tagged, with_options};
use super::frames::{C_TAG, Family, OLD_S_TAG, S_TAG, ack, other, sctp, syn, tcp, udp};
use super::row::{Row, passed, redirected, sent};
use super::world::{INACTIVE, LOCAL, MANY, QINQ, SCTP_PORT, THERE, VLAN};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for family in Family::BOTH {
        rows.extend(one_tag(family));
        rows.extend(two_tags(family));
        rows.extend(wrong_tags(family));
    }
    rows.extend(special());
    rows.extend(not_ip());
    rows
}

fn one_tag(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let to = |port| (family.vip(VLAN), port);
    let tag = |frame: &[u8], vlan| tagged(frame, &[(C_TAG, vlan)]);
    let open = |ethertype, vlan| tagged(&tcp(to(80), 0, syn), &[(ethertype, vlan)]);
    let in_vlan = |words: String, frame| sent(words, frame).into_vlans(&[5]);
    let mut rows = vec![
        in_vlan(words("a SYN in the server's VLAN"), open(C_TAG, 5)).opening(),
        in_vlan(words("a SYN from another VLAN"), open(C_TAG, 100)).opening(),
        in_vlan(words("a SYN from VLAN 4094"), open(C_TAG, 4094)).opening(),
        in_vlan(
            words("a tag with nothing but priority"),
            open(C_TAG, 0xe000),
        )
        .opening(),
        in_vlan(words("the priority stays"), open(C_TAG, 0xa064)).opening(),
        in_vlan(words("drop eligibility stays"), open(C_TAG, 0x1064)).opening(),
        in_vlan(words("one tag of 802.1ad"), open(S_TAG, 100)).opening(),
        in_vlan(words("one tag of the old QinQ"), open(OLD_S_TAG, 100)).opening(),
        in_vlan(words("data in a VLAN"), tag(&tcp(to(80), 1400, ack), 100)),
        in_vlan(words("UDP in a VLAN"), tag(&udp(to(53), 10), 100)),
        in_vlan(
            words("SCTP in a VLAN"),
            tag(&sctp(to(SCTP_PORT), Some(1)), 100),
        )
        .opening(),
        redirected(
            words("from a VLAN to a server in a VLAN of another NIC"),
            tag(&tcp(to(THERE), 0, ack), 100),
        )
        .into_vlans(&[5]),
    ];
    let pass = |what, frame: &[u8], reason| passed(words(what), tag(frame, 5), reason);
    let flooded = edited(tcp(to(80), 0, ack), |f| f[5] = 99);
    rows.extend([
        pass(
            "a port without service, in a VLAN",
            &tcp(to(81), 0, syn),
            Reason::NoService,
        ),
        pass(
            "an inactive service, in a VLAN",
            &tcp(to(INACTIVE), 0, syn),
            Reason::Inactive,
        ),
        pass(
            "someone else's frame, in a VLAN",
            &flooded,
            Reason::NotOurMac,
        ),
        pass(
            "a server that is this host, in a VLAN",
            &tcp((family.vip(MANY), LOCAL), 0, syn),
            Reason::Local,
        ),
        pass(
            "half a TCP header, in a VLAN",
            &tcp(to(80), 0, syn)[..family.transport() + 10],
            Reason::Malformed,
        ),
        pass(
            "half an IP header, in a VLAN",
            &tcp(to(80), 0, syn)[..24],
            Reason::Malformed,
        ),
    ]);
    rows
}

fn two_tags(family: Family) -> Vec<Row> {
    let words = |words: String| format!("{}: {words}", family.name());
    let open = tcp((family.vip(QINQ), 80), 0, syn);
    let outers = [
        (C_TAG, "802.1Q"),
        (S_TAG, "802.1ad"),
        (OLD_S_TAG, "old QinQ"),
    ];
    let mut rows: Vec<Row> = outers
        .iter()
        .map(|&(outer, name)| {
            let frame = tagged(&open, &[(outer, 100), (C_TAG, 200)]);
            sent(words(format!("two tags, the outer one {name}")), frame)
                .into_vlans(&[7, 8])
                .opening()
        })
        .collect();
    let priorities = tagged(&open, &[(S_TAG, 0x6007), (C_TAG, 0x9008)]);
    let datagram = udp((family.vip(QINQ), 53), 10);
    rows.extend([
        sent(words("each tag keeps its own priority".into()), priorities)
            .into_vlans(&[7, 8])
            .opening(),
        sent(
            words("UDP under two tags".into()),
            tagged(&datagram, &[(S_TAG, 1), (C_TAG, 2)]),
        )
        .into_vlans(&[7, 8]),
    ]);
    rows
}

/// Adding and removing tags is left to the kernel.
fn wrong_tags(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: {words}", family.name());
    let open = |host| tcp((family.vip(host), 80), 0, syn);
    let one = [(C_TAG, 5)];
    let two = [(S_TAG, 7), (C_TAG, 8)];
    let three = [(S_TAG, 7), (C_TAG, 8), (C_TAG, 9)];
    let pass = |what, frame, reason| passed(words(what), frame, reason);
    let other = Reason::OtherVlan;
    vec![
        pass(
            "no tag (the hardware may have stripped it), the server in a VLAN",
            open(VLAN),
            other,
        ),
        pass("no tag, the server under two", open(QINQ), other),
        pass(
            "a tag, the server without",
            tagged(&open(MANY), &one),
            other,
        ),
        pass(
            "a tag with nothing but priority, the server without",
            tagged(&open(MANY), &[(C_TAG, 0xe000)]),
            other,
        ),
        pass(
            "one tag, the server under two",
            tagged(&open(QINQ), &one),
            other,
        ),
        pass(
            "two tags, the server under one",
            tagged(&open(VLAN), &two),
            other,
        ),
        pass(
            "two tags, the server without",
            tagged(&open(MANY), &two),
            other,
        ),
        pass("three tags", tagged(&open(QINQ), &three), Reason::NotIp),
    ]
}

fn special() -> Vec<Row> {
    let [v4, v6] = Family::BOTH.map(|family| (family.vip(VLAN), 80));
    let two = [(S_TAG, 100), (C_TAG, 200)];
    let padded = edited(tagged(&tcp(v4, 0, ack), &[(C_TAG, 5)]), |f| {
        f.extend([0; 2])
    });
    let options = with_options(&tcp(v4, 0, syn), 2);
    let extensions = extended(&tcp(v6, 0, syn), &[extension(60, 1)]);
    let in_two = fragment(&udp((Family::V4.vip(QINQ), 53), 64), 0, true);
    vec![
        sent("IP options in a VLAN", tagged(&options, &[(C_TAG, 9)]))
            .into_vlans(&[5])
            .opening(),
        sent(
            "extension headers in a VLAN",
            tagged(&extensions, &[(C_TAG, 9)]),
        )
        .into_vlans(&[5])
        .opening(),
        sent("padding in a VLAN is not counted", padded)
            .into_vlans(&[5])
            .of_bytes(40),
        sent("a fragment under two tags", tagged(&in_two, &two)).into_vlans(&[7, 8]),
    ]
}

fn not_ip() -> Vec<Row> {
    let arp = other(0x0806, 28);
    let tag = [(C_TAG, 5)];
    let cut = tagged(&arp, &tag)[..17].to_vec();
    vec![
        passed("ARP in a VLAN", tagged(&arp, &tag), Reason::NotIp),
        passed(
            "ARP under two tags",
            tagged(&arp, &[(S_TAG, 7), (C_TAG, 8)]),
            Reason::NotIp,
        ),
        passed("a frame that ends within its tag", cut, Reason::NotIp),
    ]
}
