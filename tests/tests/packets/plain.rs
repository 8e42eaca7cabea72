//! What both families have in common: TCP and UDP, to services and to others.

use lb_common::reason::Reason;

use super::frames::{Family, ack, syn, tcp, tcp_between, udp};
use super::row::{Row, passed, redirected, sent};
use super::world::{INACTIVE, LOCAL, MANY, NO_EGRESS, NO_SERVER, NONE, SCTP_PORT, THERE};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for family in Family::BOTH {
        rows.extend(segments(family));
        rows.extend(datagrams(family));
        rows.extend(not_forwarded(family));
    }
    rows
}

fn segments(family: Family) -> Vec<Row> {
    let to = |port| (family.vip(MANY), port);
    let words = |words: &str| format!("{}: {words}", family.name());
    let stranger = tcp_between(family.router(), to(80), 0, syn);
    let everything = tcp(to(80), 0, |h| {
        (h.fin, h.syn, h.rst, h.psh) = (true, true, true, true);
        (h.ack, h.urg, h.ece, h.cwr) = (true, true, true, true);
    });
    vec![
        sent(words("a SYN opens a connection"), tcp(to(80), 0, syn)).opening(),
        sent(words("a SYN of another client"), stranger).opening(),
        sent(
            words("a SYN with data (TCP fast open)"),
            tcp(to(80), 100, syn),
        )
        .opening(),
        sent(
            words("a SYN with ECN flags"),
            tcp(to(80), 0, |h| (h.syn, h.ece, h.cwr) = (true, true, true)),
        )
        .opening(),
        sent(
            words("a SYN with TCP options"),
            tcp(to(80), 0, |h| {
                h.syn = true;
                h.set_options_raw(&[2, 4, 5, 0xb4, 1, 3, 3, 7])
                    .expect("8 bytes");
            }),
        )
        .opening(),
        sent(words("an ACK"), tcp(to(80), 0, ack)),
        sent(words("data"), tcp(to(80), 1400, ack)),
        sent(words("one byte of data"), tcp(to(80), 1, ack)),
        sent(
            words("a SYN-ACK opens nothing"),
            tcp(to(80), 0, |h| (h.syn, h.ack) = (true, true)),
        ),
        sent(
            words("a FIN"),
            tcp(to(80), 0, |h| (h.fin, h.ack) = (true, true)),
        ),
        sent(
            words("a SYN with FIN opens nothing"),
            tcp(to(80), 0, |h| (h.syn, h.fin) = (true, true)),
        ),
        sent(words("a RST"), tcp(to(80), 0, |h| h.rst = true)),
        sent(words("no flags at all"), tcp(to(80), 0, |_| ())),
        sent(words("all flags open nothing"), everything),
        redirected(
            words("TCP to a server behind another NIC"),
            tcp(to(THERE), 10, ack),
        ),
        redirected(
            words("a SYN to a server behind another NIC"),
            tcp(to(THERE), 0, syn),
        )
        .opening(),
    ]
}

fn datagrams(family: Family) -> Vec<Row> {
    let to = |port| (family.vip(MANY), port);
    let words = |words: &str| format!("{}: {words}", family.name());
    vec![
        sent(words("UDP"), udp(to(53), 100)),
        sent(words("UDP without data"), udp(to(53), 0)),
        redirected(
            words("UDP to the TCP service's port goes elsewhere"),
            udp(to(THERE), 10),
        ),
    ]
}

fn not_forwarded(family: Family) -> Vec<Row> {
    let to = |port| tcp((family.vip(MANY), port), 0, syn);
    let words = |words: &str| format!("{}: {words}", family.name());
    vec![
        passed(
            words("TCP to a port without service"),
            to(81),
            Reason::NoService,
        ),
        passed(words("TCP to port 0"), to(0), Reason::NoService),
        passed(
            words("UDP to a TCP port"),
            udp((family.vip(MANY), 80), 0),
            Reason::NoService,
        ),
        passed(words("TCP to a UDP port"), to(53), Reason::NoService),
        passed(
            words("TCP to an SCTP port"),
            to(SCTP_PORT),
            Reason::NoService,
        ),
        passed(
            words("another address"),
            tcp((family.vip(NONE), 80), 0, syn),
            Reason::NoService,
        ),
        passed(
            words("an answer of the service to its client"),
            tcp_between(family.vip(MANY), (family.client(), 80), 0, ack),
            Reason::NoService,
        ),
        passed(
            words("a service of which we are not MASTER"),
            to(INACTIVE),
            Reason::Inactive,
        ),
        passed(
            words("a service without a usable server"),
            to(NO_SERVER),
            Reason::NoRealServer,
        ),
        passed(
            words("a service whose server is this host"),
            to(LOCAL),
            Reason::Local,
        ),
        passed(
            words("a server behind a NIC without port"),
            to(NO_EGRESS),
            Reason::NoEgress,
        ),
    ]
}
