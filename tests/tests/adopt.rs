//! The next daemon takes over what the last one left in the kernel, and both put right what
//! others change there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use aya::maps::{Array, Map, MapData};
use lb_common::record::{Key, Record};
use lb_tests::forwarding::{LOOPBACK, SERVERS, flow, service, table, vip};
use lb_tests::records::records;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::segment::{ACK, SYN, TCP, destination};
use lb_userspace::dataplane::table::{ForwardingTable, Mac, service_key};
use lb_userspace::dataplane::xdp::{Outcome, Sizes, Xdp};

#[path = "adopt/audit.rs"]
mod audit;
#[path = "adopt/traffic.rs"]
mod traffic;

const HOST: u8 = 10;
const CLIENTS: u16 = 200;
/// What the first daemon's clock showed in the end.
const SHOWN: u64 = 5000;

type Servers = BTreeMap<u16, Mac>;

fn directory(sandbox: &Sandbox) -> PathBuf {
    sandbox.bpffs.join("lvx")
}

fn load(sandbox: &Sandbox, sizes: Sizes) -> Result<Xdp> {
    Ok(Xdp::load(sandbox.object, &directory(sandbox), sizes)?)
}

/// Where a segment of each client goes.
fn segments(xdp: &mut Xdp, clients: impl Iterator<Item = u16>, flags: u8) -> Result<Servers> {
    let one = |client| {
        let met = destination(xdp.program()?, &flow(HOST, client).tcp(flags))?;
        Ok((client, met.context("no server")?))
    };
    clients.map(one).collect()
}

fn ensure_kept(xdp: &mut Xdp, opened: &Servers) -> Result<()> {
    let met = segments(xdp, opened.keys().copied(), ACK)?;
    let moved = opened.iter().filter(|(client, mac)| met[client] != **mac);
    let moved = moved.count();
    ensure!(moved == 0, "{moved} of {} connections moved", opened.len());
    Ok(())
}

/// What a daemon leaves that has just changed all slots: half of the servers took over from the
/// others, which keep their connections. Its last table, and the connections.
fn leave(sandbox: &Sandbox) -> Result<(ForwardingTable, Servers)> {
    let mut xdp = load(sandbox, Sizes::default())?;
    xdp.set_now(SHOWN - 10);
    let half = |first: bool| move |last: u8| u16::from((last <= SERVERS / 2) == first);
    let old = table(LOOPBACK, [(HOST, service(LOOPBACK, half(true)))]);
    let new = table(LOOPBACK, [(HOST, service(LOOPBACK, half(false)))]);
    xdp.apply(&old)?;
    let mut opened = segments(&mut xdp, 0..CLIENTS, SYN)?;
    xdp.apply(&new)?;
    opened.extend(segments(&mut xdp, CLIENTS..2 * CLIENTS, SYN)?);
    // Some say nothing until the next daemon is there.
    let talk = opened.iter().filter(|(client, _)| *client % 4 != 0);
    let talk: Servers = talk.map(|(client, mac)| (*client, *mac)).collect();
    ensure_kept(&mut xdp, &talk)?;
    xdp.set_now(SHOWN);
    ensure_kept(&mut xdp, &talk)?;
    xdp.publish()?;
    Ok((new, opened))
}

fn servers(records: BTreeMap<Key, Record>) -> BTreeMap<Key, u32> {
    let server = |(key, record): (Key, Record)| (key, record.server());
    records.into_iter().map(server).collect()
}

#[test]
fn the_next_daemon_goes_on_where_the_last_one_stopped() {
    in_sandbox(|sandbox| {
        let (table, opened) = leave(sandbox)?;
        let mut xdp = load(sandbox, Sizes::default())?;
        ensure!(xdp.is_adopted(), "nothing was taken over");
        ensure!(xdp.now() == SHOWN, "its clock shows {}", xdp.now());
        ensure_kept(&mut xdp, &opened)?;

        let key = service_key(vip(HOST), TCP);
        let counted = xdp.counters(&key)?.total().packets;
        ensure!(counted >= opened.len() as u64, "{counted} packets");
        let outcome = xdp.apply(&table)?;
        ensure!(outcome == Outcome::Unchanged, "{outcome:?}");
        ensure_kept(&mut xdp, &opened)?;
        let grown = xdp.counters(&key)?.total().packets - counted;
        ensure!(grown == opened.len() as u64, "counters grew by {grown}");

        // Far beyond the end of settling, as long as they are in touch.
        for round in 1..=10 {
            xdp.set_now(SHOWN + round * 600);
            xdp.sweep()?;
            ensure_kept(&mut xdp, &opened).with_context(|| format!("round {round}"))?;
        }
        let tally = xdp.tally(&key).context("the service")?;
        ensure!(tally.settling == 0 && tally.stable > 0, "{tally:?}");
        let fresh = segments(&mut xdp, 3 * CLIENTS..4 * CLIENTS, SYN)?;
        let taken = fresh.values().all(|mac| mac.0[5] > SERVERS / 2);
        ensure!(taken, "a draining server got a new connection");
        Ok(())
    });
}

#[test]
fn maps_of_other_sizes_take_the_records_over() {
    in_sandbox(|sandbox| {
        let (table, opened) = leave(sandbox)?;
        let mut before = None;
        for room in [1 << 19, 1 << 12] {
            let sizes = Sizes {
                exceptions: room,
                ..Sizes::default()
            };
            let mut xdp = load(sandbox, sizes)?;
            ensure!(xdp.is_adopted(), "nothing was taken over");
            let found = servers(records(xdp.program()?, "exceptions")?);
            ensure!(found.len() > CLIENTS.into(), "{} records", found.len());
            ensure_kept(&mut xdp, &opened)?;
            xdp.apply(&table)?;
            ensure_kept(&mut xdp, &opened)?;
            let found = servers(records(xdp.program()?, "exceptions")?);
            if let Some(before) = before.replace(found.clone()) {
                ensure!(found == before, "records were lost or changed");
            }
            xdp.publish()?;
        }
        Ok(())
    });
}

#[test]
fn another_layout_is_not_taken_over() {
    in_sandbox(|sandbox| {
        let (table, _) = leave(sandbox)?;
        // `Settings` in words: the version is the lower half of the third.
        let pinned = Map::Array(MapData::from_pin(directory(sandbox).join("settings"))?);
        let mut settings: Array<_, [u64; 8]> = Array::try_from(pinned)?;
        let mut value = settings.get(&0, 0)?;
        value[2] += 1;
        settings.set(0, value, 0)?;

        let mut xdp = load(sandbox, Sizes::default())?;
        ensure!(!xdp.is_adopted(), "another layout was taken over");
        let left = records(xdp.program()?, "exceptions")?.len();
        ensure!(left == 0, "{left} records");
        let outcome = xdp.apply(&table)?;
        ensure!(matches!(outcome, Outcome::Written { .. }), "{outcome:?}");
        segments(&mut xdp, 0..CLIENTS, SYN)?;
        xdp.publish()?;
        drop(xdp);
        let next = load(sandbox, Sizes::default())?;
        ensure!(next.is_adopted(), "the new maps are not taken over");
        Ok(())
    });
}
