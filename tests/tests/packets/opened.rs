//! Samples of connections: what a packet finds in its place of map `opened`, and what it leaves.

use anyhow::{Context, Result, ensure};
use lb_common::layout::ServiceKey;
use lb_common::opened::{Sample, is_sampled, mask};
use lb_tests::samples::Samples;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::test_run::test_run;
use lb_userspace::dataplane::opened::Seen;
use lb_userspace::dataplane::table::address_bytes;
use lb_userspace::dataplane::xdp::{Sizes, Xdp};

use super::edits::{edited, fragment, with_options};
use super::frames::{Family, SCTP, TCP, ack, sctp, syn, tcp, tcp_between, udp};
use super::icmp::{answer, error};
use super::other_nic;
use super::world::{
    self, BY_PORT, INACTIVE, LOCAL, MANY, NO_EGRESS, NO_SERVER, NONE, SCTP_PORT, THERE,
};

/// Of another connection in the same place.
const OTHER_TAG: u64 = 1 << 16;
/// Of another server.
const OTHER_SERVER: u64 = 1;
/// Some milliseconds after the machine's start.
const LONG_AGO: u64 = 1 << 32;
const LOW: u64 = LONG_AGO - 1;

/// What lies in the connection's place, made from its own sample.
type Before = fn(Sample) -> u64;

#[derive(Clone, Copy, PartialEq)]
enum After {
    Same,
    /// The same, and another packet has followed.
    Followed,
    /// The connection's own, opened now.
    New,
}

struct Row {
    words: &'static str,
    before: Before,
    frame: Vec<u8>,
    after: After,
}

fn rows(to: (std::net::IpAddr, u16)) -> Vec<Row> {
    let row = |words, before, frame, after| Row {
        words,
        before,
        frame,
        after,
    };
    let own: Before = |own| own.word();
    let opening = || tcp(to, 0, syn);
    let data = || tcp(to, 10, ack);
    vec![
        row("a SYN", |_| 0, opening(), After::New),
        row("a SYN that is sent again", own, opening(), After::Same),
        row("an ACK", own, tcp(to, 0, ack), After::Followed),
        row("data", own, data(), After::Followed),
        row(
            "a RST: the client has got an answer that it did not expect",
            own,
            tcp(to, 0, |h| h.rst = true),
            After::Followed,
        ),
        row(
            "a FIN",
            own,
            tcp(to, 0, |h| (h.fin, h.ack) = (true, true)),
            After::Followed,
        ),
        row(
            "data after data",
            |own| own.followed().word(),
            data(),
            After::Same,
        ),
        row("data without a SYN", |_| 0, data(), After::Same),
        row(
            "a SYN that is sent again after it was counted",
            |own| own.counted().word(),
            opening(),
            After::Same,
        ),
        row(
            "data after the SYN was counted",
            |own| own.counted().word(),
            data(),
            After::Followed,
        ),
        row(
            "a SYN like one that was answered and not counted yet",
            |own| own.followed().word(),
            opening(),
            After::Same,
        ),
        row(
            "a SYN that is sent again, to another server",
            |own| own.counted().word() ^ OTHER_SERVER,
            opening(),
            After::New,
        ),
        row(
            "a SYN where another waits",
            |own| own.word() ^ OTHER_TAG,
            opening(),
            After::Same,
        ),
        row(
            "a SYN where another was counted",
            |own| own.counted().word() ^ OTHER_TAG,
            opening(),
            After::New,
        ),
        row(
            "data where another waits",
            |own| own.word() ^ OTHER_TAG,
            data(),
            After::Same,
        ),
    ]
}

/// The place of the connection that a SYN opens, and its sample, opened long ago.
fn own(xdp: &mut Xdp, samples: &mut Samples, opening: &[u8]) -> Result<(usize, Sample)> {
    samples.clear();
    test_run(xdp.program()?, opening)?;
    let [(place, sample)] = samples.used()[..] else {
        anyhow::bail!("a SYN leaves {:?}", samples.used());
    };
    let old = Sample::from_word(sample.word() & LOW | LONG_AGO);
    Ok((place, old.context("a server")?))
}

fn check(xdp: &mut Xdp, samples: &mut Samples, row: &Row, at: usize, own: Sample) -> Result<()> {
    let before = (row.before)(own);
    samples.set(at, before);
    test_run(xdp.program()?, &row.frame)?;
    let after = samples.word(at);
    let right = match row.after {
        After::Same => after == before,
        After::Followed => after == own.followed().word() | before,
        After::New => after & LOW == own.word() & LOW && after >> 32 > 1,
    };
    ensure!(right, "{before:x} became {after:x}");
    let others = samples
        .used()
        .iter()
        .filter(|(place, _)| *place != at)
        .count();
    ensure!(others == 0, "{others} other places are in use");
    Ok(())
}

fn load(sandbox: &Sandbox, sample: u32) -> Result<(Xdp, Samples)> {
    let directory = sandbox.bpffs.join("lvx");
    let sizes = Sizes {
        sample,
        ..Sizes::default()
    };
    let mut xdp = Xdp::load(sandbox.object, &directory, sizes)?;
    xdp.apply(&world::table(other_nic()?))?;
    let samples = Samples::of(xdp.program()?)?;
    Ok((xdp, samples))
}

#[test]
fn every_row_of_the_table_of_samples_holds() {
    in_sandbox(|sandbox| {
        let (mut xdp, mut samples) = load(sandbox, 1)?;
        let mut failed = Vec::new();
        for family in Family::BOTH {
            // The fast path, another NIC, the slow path.
            for (host, port) in [(MANY, 80), (MANY, THERE), (BY_PORT, 80)] {
                let to = (family.vip(host), port);
                let (at, own) = own(&mut xdp, &mut samples, &tcp(to, 0, syn))?;
                for row in rows(to) {
                    if let Err(error) = check(&mut xdp, &mut samples, &row, at, own) {
                        failed.push(format!("{to:?}: {}: {error:#}", row.words));
                    }
                }
            }
        }
        ensure!(failed.is_empty(), "{}", failed.join("\n"));
        Ok(())
    });
}

#[test]
fn what_is_not_forwarded_or_not_tcp_leaves_no_sample() {
    in_sandbox(|sandbox| {
        let (mut xdp, mut samples) = load(sandbox, 1)?;
        samples.clear();
        for family in Family::BOTH {
            let opening = |host, port| tcp((family.vip(host), port), 0, syn);
            let quoted = answer(family, (MANY, 80), TCP);
            let frames = [
                ("UDP", udp((family.vip(MANY), 53), 100)),
                ("an SCTP INIT", sctp((family.vip(MANY), SCTP_PORT), Some(1))),
                ("an ICMP error", error(MANY, family, &quoted)),
                (
                    "a quoted SCTP packet",
                    error(MANY, family, &answer(family, (MANY, SCTP_PORT), SCTP)),
                ),
                ("no service", opening(NONE, 80)),
                ("not MASTER", opening(MANY, INACTIVE)),
                ("no server", opening(MANY, NO_SERVER)),
                ("this host", opening(MANY, LOCAL)),
                ("no way out", opening(MANY, NO_EGRESS)),
                ("another MAC", edited(opening(MANY, 80), |f| f[5] = 99)),
                (
                    "a fragment",
                    fragment(&tcp((family.vip(MANY), 80), 100, ack), 1, false),
                ),
            ];
            for (words, frame) in frames {
                test_run(xdp.program()?, &frame)?;
                let used = samples.used();
                ensure!(used.is_empty(), "{}: {words}: {used:?}", family.name());
            }
        }
        Ok(())
    });
}

/// One of 64 is sampled, whichever way its packets go.
#[test]
fn only_the_sampled_connections_leave_samples() {
    in_sandbox(|sandbox| {
        let (mut xdp, mut samples) = load(sandbox, 64)?;
        samples.clear();
        for family in Family::BOTH {
            let to = (family.vip(MANY), 80);
            let mut sampled = 0;
            for port in 40_000..40_512u16 {
                let from = |frame| {
                    edited(frame, |f| {
                        let at = family.transport();
                        f[at..at + 2].copy_from_slice(&port.to_be_bytes());
                    })
                };
                let expected = is_sampled(port, mask(64));
                sampled += usize::from(expected);
                let mut frames = vec![from(tcp(to, 0, syn))];
                if family == Family::V4 {
                    // By another path.
                    frames.push(with_options(&frames[0], 1));
                }
                for frame in frames {
                    test_run(xdp.program()?, &frame)?;
                    let used = samples.used();
                    ensure!(used.len() == usize::from(expected), "port {port}: {used:?}");
                    if let Some((place, _)) = used.first() {
                        samples.set(*place, 0);
                    }
                }
            }
            ensure!((4..=12).contains(&sampled), "{sampled} of 512");
        }
        Ok(())
    });
}

#[test]
fn without_sampling_nothing_is_written() {
    in_sandbox(|sandbox| {
        let (mut xdp, mut samples) = load(sandbox, 0)?;
        samples.clear();
        for host in 1..=255 {
            let client = std::net::Ipv4Addr::new(198, 18, 0, host).into();
            let to = (Family::V4.vip(MANY), 80);
            test_run(xdp.program()?, &tcp_between(client, to, 0, syn))?;
        }
        ensure!(samples.used().is_empty(), "{:?}", samples.used());
        Ok(())
    });
}

/// The daemon's look at the same map, with the names of the servers.
#[test]
fn a_look_names_the_service_and_the_server() {
    in_sandbox(|sandbox| {
        let (mut xdp, mut samples) = load(sandbox, 1)?;
        samples.clear();
        let to = (Family::V4.vip(MANY), 80);
        let server = (
            ServiceKey {
                address: address_bytes(to.0),
                port: 80,
                protocol: TCP,
                reserved: 0,
            },
            Family::V4.vip(200),
        );
        test_run(xdp.program()?, &tcp(to, 0, syn))?;
        ensure!(xdp.look_at_opened().is_empty(), "it has just been opened");
        test_run(xdp.program()?, &tcp(to, 0, ack))?;
        let seen = xdp.look_at_opened();
        ensure!(seen == [(server, Seen::Answered)], "{seen:?}");
        ensure!(samples.used().is_empty(), "the place is not free");

        let (at, own) = own(&mut xdp, &mut samples, &tcp(to, 0, syn))?;
        samples.set(at, own.word());
        let seen = xdp.look_at_opened();
        ensure!(seen == [(server, Seen::Unanswered)], "{seen:?}");
        ensure!(xdp.look_at_opened().is_empty(), "it is told twice");

        samples.set(at, own.word());
        let mut table = world::table(lb_tests::sandbox::ifindex("a0")?);
        table.services.remove(&server.0);
        xdp.apply(&table)?;
        let seen = xdp.look_at_opened();
        ensure!(seen.is_empty(), "of a server that is gone: {seen:?}");
        Ok(())
    });
}
