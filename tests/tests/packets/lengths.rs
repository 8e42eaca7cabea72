//! Frames that are shorter or longer than they say, and headers that contradict themselves.

use lb_common::reason::Reason;

use super::edits::{edited, set_ip_length, shortened, tagged, with_options};
use super::frames::{C_TAG, ETHERNET, Family, V4_HEADER, ack, syn, tcp, udp};
use super::row::{Row, passed, sent};
use super::world::{MANY, VLAN};

/// What must be there of a TCP header: the flags.
const TCP_NEEDED: usize = 14;
/// And of a UDP header: the ports.
const UDP_NEEDED: usize = 4;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Family::BOTH.into_iter().flat_map(of_family).collect();
    rows.extend(v4());
    rows.extend(v6());
    rows
}

fn of_family(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: {what}", family.name());
    let segment = tcp((family.vip(MANY), 80), 100, ack);
    let datagram = udp((family.vip(MANY), 53), 100);
    let whole = segment.len() - ETHERNET;
    let saying = |length: usize| edited(segment.clone(), |f| set_ip_length(f, length));
    let cut = |by: usize| segment[..segment.len() - by].to_vec();
    let padded = |by: usize| edited(segment.clone(), |f| f.resize(f.len() + by, 0));
    let l4 = family.transport();
    let short = |what: &str, frame| passed(words(what), frame, Reason::Malformed);
    let bytes = whole as u64;
    let in_vlan = tagged(&tcp((family.vip(VLAN), 80), 100, ack), &[(C_TAG, 5)]);
    vec![
        sent(words("six bytes of padding are not counted"), padded(6)).of_bytes(bytes),
        sent(words("a frame check sequence is not counted"), padded(4)).of_bytes(bytes),
        sent(
            words("a length that leaves out the last byte"),
            saying(whole - 1),
        )
        .of_bytes(bytes - 1),
        short("a length of one byte more than there is", saying(whole + 1)),
        short("a length of 60,000 bytes", saying(60_000)),
        short("without its last byte", cut(1)),
        short("without its last hundred bytes", cut(100)),
        short(
            "UDP without its last byte",
            datagram[..datagram.len() - 1].to_vec(),
        ),
        short(
            "in a VLAN, without its last byte",
            in_vlan[..in_vlan.len() - 1].to_vec(),
        ),
        passed(
            words("cut off, to a port without service"),
            edited(tcp((family.vip(MANY), 81), 100, ack), |f| {
                f.truncate(f.len() - 1);
            }),
            Reason::NoService,
        ),
        sent(
            words("as much of a TCP header as is needed"),
            shortened(&segment, l4 + TCP_NEEDED),
        ),
        short(
            "a TCP header without flags",
            shortened(&segment, l4 + TCP_NEEDED - 1),
        ),
        short(
            "a TCP header of its ports alone",
            shortened(&segment, l4 + 4),
        ),
        sent(
            words("as much of a UDP header as is needed"),
            shortened(&datagram, l4 + UDP_NEEDED),
        ),
        short(
            "half of UDP's ports",
            shortened(&datagram, l4 + UDP_NEEDED - 1),
        ),
        short(
            "a frame that ends with its IP header",
            segment[..l4].to_vec(),
        ),
        short(
            "a frame that ends within its IP header",
            segment[..l4 - 1].to_vec(),
        ),
        short("one byte of IP", segment[..ETHERNET + 1].to_vec()),
    ]
}

fn v4() -> Vec<Row> {
    let open = || tcp((Family::V4.vip(MANY), 80), 0, syn);
    let version_length = |value| edited(open(), |f| f[ETHERNET] = value);
    let saying = |length: usize| edited(open(), |f| set_ip_length(f, length));
    let malformed = |words: &str, frame| passed(words, frame, Reason::Malformed);
    let mut rows: Vec<Row> = (0..5)
        .map(|words| {
            let frame = version_length(0x40 | words);
            malformed(&format!("an IP header of {words} words"), frame)
        })
        .collect();
    let smallest = edited(tcp((Family::V4.vip(MANY), 80), 0, ack), |f| {
        f.extend([0; 6])
    });
    let padding = V4_HEADER as u64 * 2;
    let with_options = with_options(&open(), 5);
    let options_missing = edited(with_options, |f| set_ip_length(f, V4_HEADER + 4));
    rows.extend([
        sent("an ACK in the smallest frame", smallest).of_bytes(padding),
        malformed(
            "an IP header that reaches beyond the frame",
            version_length(0x4f),
        ),
        malformed("IP version 5", version_length(0x55)),
        malformed("IP version 0", version_length(0x05)),
        malformed("a total length of 0", saying(0)),
        malformed(
            "a total length of less than the header",
            saying(V4_HEADER - 1),
        ),
        malformed(
            "a total length of less than the header's options",
            options_missing,
        ),
    ]);
    rows
}

fn v6() -> Vec<Row> {
    let open = tcp((Family::V6.vip(MANY), 80), 0, syn);
    let saying = |payload: u16| {
        edited(open.clone(), |f| {
            f[18..20].copy_from_slice(&payload.to_be_bytes());
        })
    };
    vec![
        passed(
            "a payload length of 0 (a jumbogram, or nothing)",
            saying(0),
            Reason::Malformed,
        ),
        passed(
            "a payload length of 65,535",
            saying(u16::MAX),
            Reason::Malformed,
        ),
        passed(
            "an IPv6 version of 7",
            edited(open.clone(), |f| f[ETHERNET] = 0x70),
            Reason::Malformed,
        ),
    ]
}
