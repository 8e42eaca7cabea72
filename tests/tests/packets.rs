//! Packet tables: frames through the real program, with what becomes of them and what it counts.

#[path = "packets/agreement.rs"]
mod agreement;
#[path = "packets/edits.rs"]
mod edits;
#[path = "packets/fragments.rs"]
mod fragments;
#[path = "packets/frames.rs"]
mod frames;
#[path = "packets/headers.rs"]
mod headers;
#[path = "packets/icmp.rs"]
mod icmp;
#[path = "packets/ip.rs"]
mod ip;
#[path = "packets/lengths.rs"]
mod lengths;
#[path = "packets/opened.rs"]
mod opened;
#[path = "packets/plain.rs"]
mod plain;
#[path = "packets/quotes.rs"]
mod quotes;
#[path = "packets/row.rs"]
mod row;
#[path = "packets/sctp.rs"]
mod sctp;
#[path = "packets/virtual_mac.rs"]
mod virtual_mac;
#[path = "packets/vlan.rs"]
mod vlan;
#[path = "packets/wildcard.rs"]
mod wildcard;
#[path = "packets/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use lb_common::layout::Counter;
use lb_common::maglev::TableSize;
use lb_common::reason::Reason;
use lb_tests::sandbox::{Sandbox, command, ifindex, in_sandbox};
use lb_tests::test_run::{XDP_PASS, XDP_REDIRECT, XDP_TX, test_run};
use lb_userspace::dataplane::table::{ForwardingTable, address_bytes};
use lb_userspace::dataplane::xdp::Xdp;

use frames::Family;
use row::{Expect, Row};
use world::WILDCARD;

const LEAST_ROWS: usize = 150;

fn rows() -> Vec<Row> {
    [
        plain::rows(),
        headers::rows(),
        ip::rows(),
        vlan::rows(),
        sctp::rows(),
        fragments::rows(),
        icmp::rows(),
        quotes::rows(),
        wildcard::rows(),
        lengths::rows(),
        virtual_mac::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn totals(xdp: &Xdp, table: &ForwardingTable) -> Result<Counter> {
    let mut sum = Counter::default();
    for key in table.services.keys() {
        let one = xdp.counters(key)?.total();
        sum.packets += one.packets;
        sum.bytes += one.bytes;
        sum.connections += one.connections;
    }
    Ok(sum)
}

fn grown(before: Counter, after: Counter) -> Counter {
    Counter {
        packets: after.packets - before.packets,
        bytes: after.bytes - before.bytes,
        connections: after.connections - before.connections,
    }
}

fn check(xdp: &mut Xdp, table: &ForwardingTable, row: &Row) -> Result<()> {
    let counters = totals(xdp, table)?;
    let before: BTreeMap<Reason, u64> = xdp.reasons()?.into_iter().collect();
    let (action, frame) = test_run(xdp.program()?, &row.frame)?;
    let growth = grown(counters, totals(xdp, table)?);
    let passed: Vec<(Reason, u64)> = xdp
        .reasons()?
        .into_iter()
        .map(|(reason, after)| (reason, after - before[&reason]))
        .filter(|(_, growth)| *growth > 0)
        .collect();
    let (expected, reasons) = match row.expect {
        Expect::Transmit => (XDP_TX, vec![]),
        Expect::Redirect => (XDP_REDIRECT, vec![]),
        Expect::Pass(reason) => (XDP_PASS, vec![(reason, 1)]),
    };
    ensure!(
        (action, &passed) == (expected, &reasons),
        "action {action} and {passed:?}, not {expected} and {reasons:?}"
    );
    ensure!(
        frame == row.out,
        "the frame is {frame:02x?}, not {:02x?}",
        row.out
    );
    ensure!(
        growth == row.counted,
        "counted {growth:?}, not {:?}",
        row.counted
    );
    Ok(())
}

/// The program and its maps, with this table.
fn prepare(sandbox: &Sandbox, table: &ForwardingTable) -> Result<Xdp> {
    let directory = sandbox.bpffs.join("lvx");
    let mut xdp = Xdp::load(sandbox.object, &directory, TableSize::DEFAULT)?;
    xdp.apply(table)?;
    Ok(xdp)
}

fn other_nic() -> Result<u32> {
    command(
        "ip",
        &["link", "add", "a0", "type", "veth", "peer", "name", "b0"],
    )?;
    ifindex("a0")
}

fn check_all(xdp: &mut Xdp, table: &ForwardingTable, rows: &[Row]) -> Result<()> {
    ensure!(rows.len() >= LEAST_ROWS, "{} rows", rows.len());
    let mut failed = Vec::new();
    for row in rows {
        if let Err(error) = check(xdp, table, row) {
            failed.push(format!("{}: {error:#}", row.words));
        }
    }
    eprintln!("{} rows", rows.len());
    ensure!(
        failed.is_empty(),
        "{} of {} rows fail:\n{}",
        failed.len(),
        rows.len(),
        failed.join("\n")
    );
    Ok(())
}

#[test]
fn every_row_of_the_packet_table_holds() {
    in_sandbox(|sandbox| {
        let table = world::table(other_nic()?);
        let mut xdp = prepare(sandbox, &table)?;
        check_all(&mut xdp, &table, &rows())
    });
}

/// The program is another one then: what nobody uses is cut out of it.
#[test]
fn the_other_rows_hold_without_services_on_all_ports() {
    in_sandbox(|sandbox| {
        let mut table = world::table(other_nic()?);
        let of_subject = Family::BOTH.map(|family| address_bytes(family.vip(WILDCARD)));
        table
            .services
            .retain(|key, _| !of_subject.contains(&key.address));
        let mut xdp = prepare(sandbox, &table)?;
        let rows: Vec<Row> = rows()
            .into_iter()
            .filter(|row| !Family::BOTH.iter().any(|f| row.names(f.vip(WILDCARD))))
            .collect();
        check_all(&mut xdp, &table, &rows)
    });
}

/// Each row is there for something of its own.
#[test]
fn no_row_is_there_twice() {
    let mut words = BTreeSet::new();
    let mut frames = BTreeMap::new();
    for row in rows() {
        assert!(words.insert(row.words.clone()), "{}", row.words);
        if let Some(other) = frames.insert(row.frame, row.words.clone()) {
            panic!("{} and {other} are the same frame", row.words);
        }
    }
}
