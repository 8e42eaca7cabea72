//! SCTP: ports as TCP's; its first chunk says what TCP's flags say.

use lb_common::reason::Reason;

use super::edits::{edited, set_ip_length, shortened};
use super::frames::{ETHERNET, Family, sctp};
use super::row::{Row, passed, redirected, sent};
use super::world::{MANY, NONE, SCTP_PORT, SINGLE, THERE, WILDCARD};

const COMMON_HEADER: usize = 12;
const INIT: u8 = 1;

/// Chunk types (RFC 9260 section 3.2) that open nothing.
const OTHER_CHUNKS: [(u8, &str); 14] = [
    (0, "DATA"),
    (2, "INIT ACK"),
    (3, "SACK"),
    (4, "HEARTBEAT"),
    (5, "HEARTBEAT ACK"),
    (6, "ABORT"),
    (7, "SHUTDOWN"),
    (8, "SHUTDOWN ACK"),
    (9, "ERROR"),
    (10, "COOKIE ECHO"),
    (11, "COOKIE ACK"),
    (14, "SHUTDOWN COMPLETE"),
    (0xc0, "FORWARD TSN"),
    (255, "a chunk that nobody knows"),
];

pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = OTHER_CHUNKS
        .iter()
        .map(|(kind, name)| {
            let frame = sctp((Family::V4.vip(MANY), SCTP_PORT), Some(*kind));
            sent(format!("SCTP: {name}"), frame)
        })
        .collect();
    rows.extend(Family::BOTH.into_iter().flat_map(of_family));
    rows
}

fn of_family(family: Family) -> Vec<Row> {
    let words = |words: &str| format!("{}: SCTP: {words}", family.name());
    let to = |host, port| (family.vip(host), port);
    let init = |host, port| sctp(to(host, port), Some(INIT));
    let header = family.transport() + COMMON_HEADER;
    let bare = sctp(to(MANY, SCTP_PORT), None);
    // INIT stands alone; behind another chunk it means nothing.
    let bundled = edited(sctp(to(MANY, SCTP_PORT), Some(10)), |f| {
        f.extend([INIT, 0, 0, 4]);
        let length = f.len() - ETHERNET;
        set_ip_length(f, length);
    });
    let checksum = edited(init(MANY, SCTP_PORT), |f| f[header - 4..header].fill(0));
    vec![
        sent(words("INIT opens an association"), init(MANY, SCTP_PORT)).opening(),
        sent(words("no chunk"), bare.clone()),
        sent(words("a first chunk counts, others do not"), bundled),
        sent(words("a checksum of zero"), checksum).opening(),
        redirected(
            words("a server behind another NIC"),
            sctp(to(MANY, THERE), Some(0)),
        ),
        passed(
            words("a port without service"),
            init(MANY, 81),
            Reason::NoService,
        ),
        passed(words("a TCP port"), init(MANY, 80), Reason::NoService),
        passed(
            words("an address without SCTP service"),
            init(SINGLE, 80),
            Reason::NoService,
        ),
        passed(
            words("an address whose TCP and UDP services are on all ports"),
            init(WILDCARD, 80),
            Reason::NoService,
        ),
        passed(
            words("another address"),
            init(NONE, SCTP_PORT),
            Reason::NoService,
        ),
        passed(
            words("a header of 11 bytes"),
            shortened(&bare, header - 1),
            Reason::Malformed,
        ),
        passed(
            words("ports alone"),
            shortened(&bare, header - 8),
            Reason::Malformed,
        ),
    ]
}
