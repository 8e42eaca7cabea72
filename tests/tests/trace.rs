//! `lvx trace` and the program's log: packets through the real program, and what is seen of them.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Result, bail, ensure};
use aya::TestRun;
use aya::programs::TestRunOptions;
use etherparse::{PacketBuilder, TcpHeader};
use lb_common::index::IndexKey;
use lb_common::layout::words;
use lb_common::maglev::TableSize;
use lb_common::reason::Reason;
use lb_common::rule::Segment;
use lb_common::trace::{Event, Filter, Outcome};
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_userspace::dataplane::table::{
    ForwardingTable, Mac, Path, RealServer, Service, address_bytes, service_key,
};
use lb_userspace::dataplane::xdp::Xdp;

#[path = "trace/command.rs"]
mod command;
#[path = "trace/log.rs"]
mod log;
#[path = "trace/program.rs"]
mod program;

/// Test runs come in through the loopback device.
const INGRESS: u32 = 1;
const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);
const CLIENT: [u8; 4] = [198, 51, 100, 7];
const OTHER_CLIENT: [u8; 4] = [203, 0, 113, 7];
const VIP: [u8; 4] = [192, 0, 2, 10];
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 21);
const MANY: i32 = 1000;
const EVERYTHING: Filter = Filter {
    flags: 0,
    budget: 0,
    service: IndexKey::new([0; 2], 0, 0),
    client: [0; 2],
    client_mask: [0; 2],
};

fn key(port: u16) -> lb_common::layout::ServiceKey {
    service_key((Ipv4Addr::from(VIP), port).into(), 6)
}

/// Services on ports 80 and 443 with one server, and one without servers on 444.
fn table() -> ForwardingTable {
    let path = Path::Link {
        mac: Mac([2, 0, 0, 0, 0, 4]),
        source_mac: OUR_MAC,
        ifindex: INGRESS,
        vlans: [0; 2],
    };
    let server = RealServer {
        weight: 1,
        path: Some(path),
    };
    let service = Service::mh(true, [(IpAddr::V4(SERVER), server)].into());
    let empty = Service::mh(true, [].into());
    ForwardingTable {
        services: [
            (key(80), service.clone()),
            (key(443), service),
            (key(444), empty),
        ]
        .into(),
        interfaces: [(INGRESS, OUR_MAC)].into(),
    }
}

fn load(sandbox: &Sandbox) -> Result<Xdp> {
    let directory = sandbox.bpffs.join("lvx");
    let mut xdp = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
    xdp.apply(&table())?;
    Ok(xdp)
}

fn syn(client: [u8; 4], port: u16) -> Vec<u8> {
    let mut header = TcpHeader::new(40_000, port, 1, 1024);
    header.syn = true;
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], OUR_MAC.0)
        .ipv4(client, VIP, 64)
        .tcp_header(header);
    let mut frame = Vec::new();
    builder
        .write(&mut frame, &[])
        .expect("a frame fits into memory");
    frame
}

fn run(xdp: &mut Xdp, frame: &[u8]) -> Result<u32> {
    let mut out = vec![0; frame.len()];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        repeat: 1,
        ..TestRunOptions::default()
    };
    Ok(xdp.program()?.test_run(options)?.return_value)
}

/// Traces with a filter while each kind of packet comes once; where the shown ones went.
fn shown(xdp: &mut Xdp, filter: &Filter) -> Result<Vec<(u32, Outcome)>> {
    xdp.refill_trace(filter, |_| MANY)?;
    for client in [CLIENT, OTHER_CLIENT] {
        for port in [80, 443, 444, 81] {
            run(xdp, &syn(client, port))?;
        }
    }
    let port = |event: &Event| (event.service.port_protocol >> 16, event.outcome);
    Ok(xdp.read_trace()?.iter().map(port).collect())
}

#[test]
fn packets_appear_with_all_that_decided() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        let expected = run(&mut xdp, &syn(CLIENT, 80))?;
        xdp.start_trace()?;
        ensure!(run(&mut xdp, &syn(CLIENT, 80))? == expected);
        ensure!(xdp.read_trace()?.is_empty(), "shown before it was allowed");
        xdp.refill_trace(&EVERYTHING, |_| MANY)?;
        ensure!(run(&mut xdp, &syn(CLIENT, 80))? == expected);
        let events = xdp.read_trace()?;
        let [event] = events.as_slice() else {
            bail!("{events:?}");
        };
        let client = words(address_bytes(IpAddr::from(CLIENT)));
        ensure!(
            (event.client, event.client_port) == (client, 40_000),
            "{event:?}"
        );
        ensure!(event.service == key(80).into(), "{event:?}");
        ensure!(event.segment == Segment::Open as u8, "{event:?}");
        ensure!(event.outcome == Outcome::TRANSMITTED, "{event:?}");
        ensure!(
            (event.ifindex, event.ip_length) == (INGRESS, 40),
            "{event:?}"
        );
        let slot =
            lb_userspace::dataplane::maglev::client_slot(IpAddr::from(CLIENT), TableSize::DEFAULT);
        ensure!((event.slot, event.slot_flags) == (slot, 0), "{event:?}");
        let server = xdp.server_address(&key(80), event.server);
        ensure!(server == Some(IpAddr::V4(SERVER)), "{server:?}");
        ensure!(xdp.read_trace()?.is_empty(), "shown twice");
        Ok(())
    });
}

#[test]
fn a_filter_shows_what_it_names_and_nothing_else() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.start_trace()?;
        let (sent, empty, none) = (
            Outcome::TRANSMITTED,
            Outcome::passed(Reason::NoRealServer),
            Outcome::passed(Reason::NoService),
        );
        let once = [(80, sent), (443, sent), (444, empty), (81, none)];
        let all = shown(&mut xdp, &EVERYTHING)?;
        ensure!(all == [once, once].concat(), "{all:?}");
        let service = Filter {
            flags: Filter::SERVICE,
            service: key(443).into(),
            ..EVERYTHING
        };
        let got = shown(&mut xdp, &service)?;
        ensure!(got == [(443, sent); 2], "{got:?}");
        let net = Filter {
            flags: Filter::CLIENT,
            client: words(address_bytes(IpAddr::from([198, 51, 100, 0]))),
            client_mask: words(u128::MAX.wrapping_shl(8).to_be_bytes()),
            ..EVERYTHING
        };
        let got = shown(&mut xdp, &net)?;
        ensure!(got == once, "{got:?}");
        let drops = Filter {
            flags: Filter::PASSED | Filter::CLIENT,
            ..net
        };
        let got = shown(&mut xdp, &drops)?;
        ensure!(got == [(444, empty), (81, none)], "{got:?}");
        Ok(())
    });
}

#[test]
fn no_more_packets_are_shown_than_allowed_and_the_others_are_counted() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.start_trace()?;
        let mut over_rate = 0;
        for (allowed, expected) in [(5, 5), (0, 0), (100, 20)] {
            xdp.refill_trace(&EVERYTHING, |_| allowed)?;
            for _ in 0..20 {
                run(&mut xdp, &syn(CLIENT, 80))?;
            }
            let events = xdp.read_trace()?.len();
            ensure!(events == expected, "{events} of {allowed}");
            over_rate += 20 - expected as u64;
            let missed = xdp.missed_trace()?;
            ensure!(
                (missed.over_rate, missed.lost) == (over_rate, 0),
                "{missed:?}"
            );
        }
        xdp.refill_trace(&EVERYTHING, |left| {
            assert_eq!(left, 80);
            left
        })?;
        Ok(())
    });
}

#[test]
fn events_that_nobody_reads_are_lost_and_counted() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox)?;
        xdp.start_trace()?;
        xdp.refill_trace(&EVERYTHING, |_| i32::MAX)?;
        let frame = syn(CLIENT, 81);
        let options = TestRunOptions {
            data_in: Some(&frame),
            repeat: 10_000,
            ..TestRunOptions::default()
        };
        xdp.program()?.test_run(options)?;
        let (read, missed) = (xdp.read_trace()?.len() as u64, xdp.missed_trace()?);
        ensure!(missed.lost > 0 && read > 1000, "{read} read, {missed:?}");
        ensure!(read + missed.lost == 10_000, "{read} read, {missed:?}");
        Ok(())
    });
}
