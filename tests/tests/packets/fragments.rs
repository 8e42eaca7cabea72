//! Fragments go by address and protocol, if that says where.

use lb_common::reason::Reason;

use super::edits::{
    Extension, edited, extended, extension, fragment, fragment_extension, tagged, with_options,
};
use super::frames::{C_TAG, Family, SCTP, TCP, UDP, packet, syn, tcp};
use super::row::{Row, passed, redirected, sent};
use super::world::{BY_PORT, MANY, NOBODY, NONE, SINGLE, WILDCARD};

/// Where a fragment is in its packet: offset in eight bytes, more to come, in words.
const PLACES: [(u16, bool, &str); 4] = [
    (0, true, "the first fragment"),
    (100, true, "a later fragment"),
    (1, true, "a fragment with the smallest offset"),
    (8191, false, "the last fragment"),
];

/// For fragments to an address that has no service of their protocol.
const NOWHERE: Reason = Reason::Fragment;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for family in Family::BOTH {
        for place in PLACES {
            rows.extend(at(family, place));
        }
        rows.extend(any(family));
    }
    rows.extend(options());
    rows.extend(extensions());
    rows
}

/// What is in a later fragment could be anything: here, no ports that a service has.
fn piece(family: Family, host: u8, protocol: u8) -> Vec<u8> {
    packet(family.vip(host), protocol, &[0xa5; 64])
}

fn at(family: Family, (offset, more, name): (u16, bool, &str)) -> Vec<Row> {
    let words = |what: &str| format!("{}: {name}, {what}", family.name());
    let of = |host, protocol| fragment(&piece(family, host, protocol), offset, more);
    vec![
        sent(words("to the one TCP service"), of(SINGLE, TCP)),
        redirected(words("to the one UDP service"), of(SINGLE, UDP)),
        passed(
            words("to one of several services"),
            of(MANY, TCP),
            Reason::Fragment,
        ),
    ]
}

fn any(family: Family) -> Vec<Row> {
    let words = |what: &str| format!("{}: {what}", family.name());
    let of = |host, protocol| fragment(&piece(family, host, protocol), 100, true);
    let short = packet(family.vip(SINGLE), TCP, &[0xa5; 8]);
    // Even where a first fragment shows its ports, all the others do not.
    let open = fragment(&tcp((family.vip(MANY), 80), 64, syn), 0, true);
    let flooded = edited(of(SINGLE, TCP), |f| f[5] = 99);
    let cut_off = edited(of(SINGLE, TCP), |f| f.truncate(f.len() - 1));
    let pass = |what, frame, reason| passed(words(what), frame, reason);
    let opened = fragment(&tcp((family.vip(SINGLE), 80), 64, syn), 0, true);
    vec![
        sent(words("a SYN in pieces is not counted as one"), opened),
        sent(
            words("a fragment of eight bytes"),
            fragment(&short, 10, false),
        ),
        redirected(words("to the one service on all ports"), of(WILDCARD, UDP)),
        pass(
            "a fragment, to one of several SCTP services",
            of(MANY, SCTP),
            Reason::Fragment,
        ),
        pass(
            "a fragment, to all ports or a service of its own",
            of(WILDCARD, TCP),
            Reason::Fragment,
        ),
        pass(
            "a first fragment with the ports of one of several services",
            open,
            Reason::Fragment,
        ),
        pass(
            "a fragment, to a service that goes by ports",
            of(BY_PORT, TCP),
            Reason::Fragment,
        ),
        pass(
            "a fragment, to a service that goes by connections",
            of(BY_PORT, UDP),
            Reason::Fragment,
        ),
        pass(
            "a fragment, to an inactive service",
            of(NOBODY, TCP),
            Reason::Inactive,
        ),
        pass(
            "a fragment, to a server that is this host",
            of(NOBODY, UDP),
            Reason::Local,
        ),
        pass(
            "a fragment, to a service without server",
            of(NOBODY, SCTP),
            Reason::NoRealServer,
        ),
        pass(
            "a fragment of a protocol without service",
            of(SINGLE, SCTP),
            NOWHERE,
        ),
        pass("a fragment to another address", of(NONE, TCP), NOWHERE),
        pass(
            "a fragment of another protocol",
            of(SINGLE, 47),
            Reason::OtherProtocol,
        ),
        pass("someone else's fragment", flooded, Reason::NotOurMac),
        pass("a fragment that is cut off", cut_off, Reason::Malformed),
        pass(
            "a fragment in a VLAN, the server without",
            tagged(&of(SINGLE, TCP), &[(C_TAG, 5)]),
            Reason::OtherVlan,
        ),
    ]
}

fn options() -> Vec<Row> {
    let plain = fragment(&piece(Family::V4, SINGLE, TCP), 100, true);
    let padded = edited(
        fragment(&packet(Family::V4.vip(SINGLE), TCP, &[0; 8]), 9, false),
        |f| {
            f.extend([0; 18]);
        },
    );
    vec![
        sent("a fragment with IP options", with_options(&plain, 2)),
        sent("a fragment with padding", padded).of_bytes(28),
        sent(
            "a fragment with the don't-fragment bit",
            edited(plain, |f| f[20] |= 0x40),
        ),
    ]
}

fn extensions() -> Vec<Row> {
    let with = |extensions: &[Extension]| extended(&piece(Family::V6, SINGLE, TCP), extensions);
    let later = || fragment_extension(100, true);
    let cut_off = packet(Family::V6.vip(SINGLE), 44, &[TCP, 0, 0, 8]);
    let reserved = edited(with(&[fragment_extension(0, false)]), |f| f[57] |= 0b110);
    vec![
        sent(
            "a fragment header behind hop-by-hop options",
            with(&[extension(0, 0), later()]),
        ),
        sent(
            "a fragment header as the last one that is walked",
            with(&[&vec![extension(60, 0); 5][..], &[later()]].concat()),
        ),
        sent(
            "an atomic fragment in front of a fragment",
            with(&[fragment_extension(0, false), later()]),
        ),
        passed(
            "a fragment header that is one too many",
            with(&[&vec![extension(60, 0); 6][..], &[later()]].concat()),
            Reason::ExtensionHeaders,
        ),
        passed(
            "extension headers that are in pieces themselves",
            with(&[later(), extension(60, 0)]),
            Reason::OtherProtocol,
        ),
        passed("half a fragment header", cut_off, Reason::Malformed),
        passed(
            "reserved bits make no fragment: its ports count",
            reserved,
            Reason::NoService,
        ),
    ]
}
