use lb_common::layout::{Load, Slot};
use lb_common::record::{Record, State};

use super::super::super::sweep::Scan;
use super::super::super::table::{ForwardingTable, Method, Persistence};
use super::super::tests::{SIZE, key, link, one_service, server, two_servers};
use super::*;

/// Seconds for which the services settle: that of [`Service::mh`].
const SETTLING: u64 = 900;

fn one_server() -> ForwardingTable {
    one_service([(22, server(1, link(22)))])
}

fn plan(applied: &Applied, table: &ForwardingTable, now: u64) -> Applied {
    applied.plan(table, SIZE, now).unwrap().1
}

/// Two servers, of which 21 (id 1) is taken out at second 0.
fn left() -> Applied {
    let applied = plan(&Applied::default(), &two_servers(), 0);
    plan(&applied, &one_server(), 0)
}

/// A slot that was the leaving server's.
fn moved_slot(applied: &Applied) -> u32 {
    let slots = &applied.services[&key(80)].slots;
    let moved = |index: &u32| slots.get(*index).unwrap().previous() == Some(1);
    (0..4093).find(moved).unwrap()
}

fn sweep(
    applied: &Applied,
    now: u64,
    records: impl IntoIterator<Item = (Records, Record)>,
) -> (Changes, Applied) {
    let mut scan = Scan::new(applied, now);
    for (map, record) in records {
        scan.keep(map, record);
    }
    applied.sweep(&scan.finish(), SIZE, now)
}

#[test]
fn a_slot_settles_and_becomes_stable_when_no_record_disagrees() {
    let applied = left();
    let slot = moved_slot(&applied);
    let old = |now| {
        (
            Records::Exceptions,
            Record::new(1, slot, State::Established, 0, now),
        )
    };
    let (changes, applied) = sweep(&applied, SETTLING - 1, []);
    assert!(changes.is_empty());
    let (changes, applied) = sweep(&applied, SETTLING, []);
    assert_eq!(changes.tables[0].1[slot as usize], Slot::exceptional(2));
    assert_eq!(applied.tally(&key(80)).unwrap().settling, 0);
    // One connection lives on: its slot is the last one.
    let (changes, applied) = sweep(&applied, SETTLING + 1, [old(SETTLING)]);
    let slots = &changes.tables[0].1;
    assert_eq!(slots[slot as usize], Slot::exceptional(2));
    assert_eq!(slots.iter().filter(|slot| slot.flags() != 0).count(), 1);
    assert!(changes.retired.counters.is_empty());
    assert!(applied.needs_sweep().exceptions);
    let (changes, applied) = sweep(&applied, SETTLING + 2, []);
    assert_eq!(changes.tables[0].1[slot as usize], Slot::stable(2));
    assert_eq!(applied.tally(&key(80)).unwrap().stable, 4093);
    // The server goes when two sweeps found nothing of it.
    assert!(changes.retired.counters.is_empty());
    let (changes, applied) = sweep(&applied, SETTLING + 3, []);
    assert_eq!(changes.retired.counters, [(key(80), 1)]);
    assert_eq!(changes.entries, [(1, 0)]);
    assert!(!applied.needs_sweep().any());
    assert!(sweep(&applied, SETTLING + 4, []).0.is_empty());
}

#[test]
fn a_leaving_server_stays_while_a_slot_leads_to_it() {
    let mut applied = left();
    for now in 1..10 {
        let (changes, next) = sweep(&applied, now, []);
        assert!(changes.is_empty());
        applied = next;
    }
    assert!(applied.servers(&key(80)).any(|server| server.leaving));
}

#[test]
fn a_client_of_another_server_keeps_its_slot_from_being_stable() {
    let mut table = two_servers();
    let service = table.services.get_mut(&key(80)).unwrap();
    service.persistence = Some(Persistence {
        timeout: 10,
        prefix_len: 32,
    });
    let applied = plan(&Applied::default(), &table, 0);
    assert!(applied.needs_sweep().persistence);
    let slots = &applied.services[&key(80)].slots;
    let slot = (0..)
        .find(|i| slots.get(*i).unwrap().current() == 2)
        .unwrap();
    let client = |id| {
        (
            Records::Persistence,
            Record::new(id, slot, State::Established, 0, 0),
        )
    };
    let (changes, _) = sweep(&applied, 10, [client(2)]);
    assert!(changes.is_empty());
    let (changes, _) = sweep(&applied, 10, [client(1)]);
    assert_eq!(changes.tables[0].1[slot as usize], Slot::exceptional(2));
    let (changes, _) = sweep(&applied, 11, [client(1)]);
    assert!(changes.is_empty());
}

#[test]
fn loads_are_those_of_the_records_and_the_last_one_lets_the_server_go() {
    let flows = |mut table: ForwardingTable| {
        let service = table.services.get_mut(&key(80)).unwrap();
        service.method = Method::Wlc;
        table
    };
    let applied = plan(&Applied::default(), &flows(two_servers()), 0);
    let flow = |id, state| (Records::Flows, Record::new(id, 0, state, 0, 0));
    let records = [
        flow(1, State::Established),
        flow(1, State::Closing),
        flow(1, State::Opening),
    ];
    let (changes, _) = sweep(&applied, 1, records);
    let load = Load {
        active: 1,
        inactive: 2,
    };
    assert_eq!(changes.loads, [(1, load), (2, Load::default())]);
    let applied = plan(&applied, &flows(one_server()), 1);
    assert!(applied.needs_sweep().flows);
    let (_, applied) = sweep(&applied, 2, []);
    // Found again: it has to be quiet twice more.
    let (_, applied) = sweep(&applied, 3, records);
    let (changes, applied) = sweep(&applied, 4, []);
    assert!(changes.retired.counters.is_empty());
    let (changes, applied) = sweep(&applied, 5, []);
    assert_eq!(changes.retired.counters, [(key(80), 1)]);
    assert_eq!(changes.loads, [(2, Load::default())]);
    assert_eq!(applied.servers(&key(80)).count(), 1);
}
