use super::*;

fn v4_head() -> Head4 {
    let mut head = [0xa5; 20];
    head[0] = 0x45;
    head[6..8].copy_from_slice(&[0x40, 0]);
    head[9] = TCP;
    head[12..16].copy_from_slice(&[192, 0, 2, 1]);
    head[16..20].copy_from_slice(&[192, 0, 2, 21]);
    Head(head)
}

fn v6_head() -> Head6 {
    let mut head = [0xa5; 40];
    head[0] = 0x60;
    head[6] = UDP;
    head[8..24].copy_from_slice(&[1; 16]);
    head[24..40].copy_from_slice(&[2; 16]);
    Head(head)
}

fn v4(address: [u8; 4]) -> Address {
    Address {
        bytes: v4_mapped(address),
    }
}

#[test]
fn addresses_and_where_they_lie() {
    let packet = ipv4(&v4_head()).unwrap();
    assert_eq!(packet.source, v4([192, 0, 2, 1]));
    assert_eq!(packet.destination, v4([192, 0, 2, 21]));
    assert_eq!(
        (
            packet.source_at(),
            packet.destination_at(),
            packet.checksum()
        ),
        (26, 30, 34 + 16)
    );
    let packet = ipv6(&v6_head()).unwrap();
    assert_eq!(packet.source.bytes, [1; 16]);
    assert_eq!(packet.destination.bytes, [2; 16]);
    assert_eq!(
        (
            packet.source_at(),
            packet.destination_at(),
            packet.checksum()
        ),
        (22, 38, 54 + 6)
    );
}

#[test]
fn options_move_the_transport_header() {
    let mut head = v4_head();
    head.0[0] = 0x47;
    assert_eq!(ipv4(&head).unwrap().transport, IP + 28);
}

#[test]
fn what_is_left_alone() {
    let cases: [(&str, usize, &[u8]); 6] = [
        ("IPv6 in an IPv4 frame", 0, &[0x65]),
        ("a header that is too short", 0, &[0x44]),
        ("a first fragment", 6, &[0x20, 0]),
        ("a later fragment", 6, &[0, 1]),
        ("ICMP", 9, &[1]),
        ("SCTP", 9, &[132]),
    ];
    for (what, at, bytes) in cases {
        let mut head = v4_head();
        head.0[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(ipv4(&head), None, "{what}");
    }
    for (what, at, byte) in [
        ("IPv4", 0, 0x45),
        ("a hop-by-hop header", 6, 0),
        ("ICMPv6", 6, 58),
    ] {
        let mut head = v6_head();
        head.0[at] = byte;
        assert_eq!(ipv6(&head), None, "{what}");
    }
}

#[test]
fn an_answer_is_found_by_what_was_asked() {
    const MAC: u64 = 7;
    let vip = [192, 0, 2, 10];
    let asked = ipv4(&v4_head()).unwrap();
    let ports = Ports::read([0x9c, 0x40, 0, 80]);
    assert_eq!((ports.source, ports.destination), (40_000, 80));
    let mut head = v4_head();
    head.0[12..16].copy_from_slice(&vip);
    head.0[16..20].copy_from_slice(&[192, 0, 2, 1]);
    let answer = ipv4(&head).unwrap();
    let answer = answer.as_answer(Ports::read([0, 80, 0x9c, 0x40]), MAC);
    assert_eq!(asked.answer(ports, v4(vip), MAC), answer);
    let talk = asked.talk(ports);
    assert_eq!((talk.local, talk.server), (asked.source, asked.destination));
    let mut head = v4_head();
    head.0[12..16].copy_from_slice(&[192, 0, 2, 21]);
    head.0[16..20].copy_from_slice(&[192, 0, 2, 1]);
    let answer = ipv4(&head).unwrap();
    assert_eq!(answer.answered_talk(Ports::read([0, 80, 0x9c, 0x40])), talk);
}

#[test]
fn a_syn_alone_opens() {
    for (flags, expected) in [
        (0x02, true),
        (0xc2, true),
        (0x12, false),
        (0x10, false),
        (0, false),
    ] {
        assert_eq!(opens(flags), expected, "{flags:#x}");
    }
}
