//! A million SYNs of forged sources: they cost established connections and known clients nothing.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, ensure};
use lb_common::feed::Feed;
use lb_common::reason::Note;
use lb_common::record::{Key, Record, State};
use lb_tests::feed::Programs;
use lb_tests::forwarding::{self, LOOPBACK, SERVERS, flow};
use lb_tests::harness::skip;
use lb_tests::records::records;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::segment::{ACK, SYN, destination};
use lb_tests::test_run::XDP_TX;
use lb_userspace::dataplane::table::{ForwardingTable, Mac, Persistence, Service};
use lb_userspace::dataplane::xdp::{Sizes, Xdp};

const PACKETS: u32 = 1 << 20;
const ROOM: u32 = 4096;
/// Three quarters of the room: some keys find both of their buckets full.
const ESTABLISHED: u16 = 3000;
/// Forged ones: all of 10.0.0.0/12.
const FORGED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const PLAIN: u8 = 10;
const PERSISTENT: u8 = 11;

fn sizes() -> Sizes {
    Sizes {
        exceptions: ROOM,
        persistence: ROOM,
        ..Sizes::default()
    }
}

/// Two services that differ in persistence, with servers of these weights.
fn table(weight: impl Fn(u8) -> u16) -> ForwardingTable {
    let plain = forwarding::service(LOOPBACK, weight);
    let persistent = Service {
        persistence: Some(Persistence {
            timeout: 3600,
            prefix_len: 32,
        }),
        ..plain.clone()
    };
    forwarding::table(LOOPBACK, [(PLAIN, plain), (PERSISTENT, persistent)])
}

struct Rig {
    xdp: Xdp,
    programs: Programs,
}

type Servers = BTreeMap<u16, Mac>;

impl Rig {
    fn new(sandbox: &Sandbox) -> Result<Self> {
        let xdp = Xdp::load(sandbox.object, &sandbox.bpffs.join("lvx"), sizes())?;
        let programs = Programs::load(&["feeder"])?;
        Ok(Self { xdp, programs })
    }

    fn flood(&mut self, host: u8) -> Result<()> {
        let headers = flow(host, 0).tcp(SYN);
        let feed = Feed::new(PACKETS, FORGED.to_bits(), &headers);
        let program = self.xdp.program()?.fd()?.try_clone()?;
        let (action, _) = self
            .programs
            .feed("feeder", feed, &headers, PACKETS, &program)?;
        ensure!(action == XDP_TX, "action {action}");
        Ok(())
    }

    /// Where a segment of each client goes.
    fn segments(&mut self, host: u8, clients: &[u16], flags: u8) -> Result<Servers> {
        let one = |&client: &u16| {
            let frame = flow(host, client).tcp(flags);
            let met = destination(self.xdp.program()?, &frame)?;
            Ok((client, met.context("no server")?))
        };
        clients.iter().map(one).collect()
    }

    fn records(&mut self, map: &str) -> Result<BTreeMap<Key, Record>> {
        records(self.xdp.program()?, map)
    }

    fn noted(&self, note: Note) -> Result<u64> {
        let notes: BTreeMap<Note, u64> = self.xdp.notes()?.into_iter().collect();
        Ok(notes[&note])
    }
}

fn kept(records: &BTreeMap<Key, Record>) -> BTreeMap<Key, u32> {
    let kept = records
        .iter()
        .filter(|(_, record)| record.state() == State::Established);
    kept.map(|(key, record)| (*key, record.server())).collect()
}

fn with_rig(test: impl FnOnce(&mut Rig) -> Result<()> + Send + 'static) {
    if std::env::var_os("LVX_FEEDER_OBJECT").is_none() {
        return skip("LVX_FEEDER_OBJECT is not set: use `cargo xtask test`");
    }
    in_sandbox(|sandbox| test(&mut Rig::new(sandbox)?));
}

fn clients(number: u16) -> Vec<u16> {
    (1..=number).collect()
}

#[test]
fn on_a_stable_table_a_flood_leaves_nothing_behind() {
    with_rig(|rig| {
        rig.xdp.apply(&table(|_| 1))?;
        let clients = clients(ESTABLISHED);
        let opened = rig.segments(PLAIN, &clients, SYN)?;
        rig.flood(PLAIN)?;
        for map in ["exceptions", "persistence", "flows"] {
            let left = rig.records(map)?.len();
            ensure!(left == 0, "{map}: {left} records");
        }
        let met = rig.segments(PLAIN, &clients, ACK)?;
        ensure!(met == opened, "connections moved");
        Ok(())
    });
}

/// Every slot has just moved; half of the connections are older than that.
#[test]
fn on_a_settling_table_a_flood_takes_no_established_connections_place() {
    with_rig(|rig| {
        let half = SERVERS / 2;
        rig.xdp.apply(&table(|last| u16::from(last <= half)))?;
        let clients = clients(ESTABLISHED);
        let (older, newer) = clients.split_at(clients.len() / 2);
        let mut opened = rig.segments(PLAIN, older, SYN)?;
        rig.xdp.apply(&table(|last| u16::from(last > half)))?;
        for client in newer.chunks(1) {
            opened.extend(rig.segments(PLAIN, client, SYN)?);
            rig.segments(PLAIN, client, ACK)?;
        }
        rig.segments(PLAIN, older, ACK)?;
        // Some found no room: they follow the table, and may have moved.
        let met = rig.segments(PLAIN, &clients, ACK)?;
        opened.retain(|client, server| met[client] == *server);
        let all: Vec<u16> = opened.keys().copied().collect();
        let before = kept(&rig.records("exceptions")?);
        ensure!(
            before.len() > clients.len() * 9 / 10,
            "{} records",
            before.len()
        );
        ensure!(
            all.len() >= before.len(),
            "{} connections stayed",
            all.len()
        );
        eprintln!(
            "of {} connections {} have records",
            clients.len(),
            before.len()
        );

        rig.flood(PLAIN)?;
        let full = rig.records("exceptions")?;
        ensure!(full.len() <= ROOM as usize, "{} records", full.len());
        ensure!(full.len() > ROOM as usize * 9 / 10, "{}", full.len());
        ensure!(kept(&full) == before, "records of connections are gone");
        let refused = rig.noted(Note::ExceptionsFull)?;
        ensure!(refused > 0, "nobody says that there was no room");
        let met = rig.segments(PLAIN, &all, ACK)?;
        ensure!(met == opened, "connections moved");

        let now = rig.xdp.now();
        rig.xdp.set_now(now + 61);
        rig.xdp.sweep()?;
        let left = rig.records("exceptions")?.len();
        ensure!(left >= before.len(), "{left} records after a minute");
        ensure!(left <= clients.len(), "{left} records, of the flood too");
        Ok(())
    });
}

/// Half of the servers come new, so that many clients would move.
#[test]
fn clients_that_came_twice_outlive_a_flood() {
    with_rig(|rig| {
        let half = SERVERS / 2;
        rig.xdp.apply(&table(|last| u16::from(last <= half)))?;
        let clients = clients(ESTABLISHED / 3);
        let first = rig.segments(PERSISTENT, &clients, SYN)?;
        rig.segments(PERSISTENT, &clients, SYN)?;
        let before = kept(&rig.records("persistence")?);
        ensure!(before.len() == clients.len(), "{} records", before.len());

        rig.flood(PERSISTENT)?;
        let full = rig.records("persistence")?;
        ensure!(full.len() <= ROOM as usize, "{} records", full.len());
        ensure!(full.len() > ROOM as usize * 9 / 10, "{}", full.len());
        ensure!(kept(&full) == before, "records of clients are gone");
        let left = rig.records("exceptions")?.len();
        ensure!(left == 0, "{left} records of connections");

        let plain = rig.segments(PLAIN, &clients, SYN)?;
        rig.xdp.apply(&table(|_| 1))?;
        let again = rig.segments(PERSISTENT, &clients, SYN)?;
        ensure!(again == first, "clients moved");
        let moved = rig.segments(PLAIN, &clients, SYN)? != plain;
        ensure!(moved, "nobody would have moved");
        Ok(())
    });
}
