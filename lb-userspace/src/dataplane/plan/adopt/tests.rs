use proptest::prelude::*;

use super::super::super::sweep::{Census, Scan};
use super::super::super::table::{ForwardingTable, Method};
use super::super::tests::{SIZE, key, link, one_service, server, two_servers};
use super::super::{Changes, capacity};
use super::*;

/// What the maps hold if nothing went wrong.
fn found(applied: &Applied, size: TableSize) -> Found {
    let tables: BTreeMap<_, _> = applied.tables(size).collect();
    let services = applied.services();
    let services = services.map(|(key, value)| (*key, *value, tables[&value.table].clone()));
    Found {
        services: services.collect(),
        real_servers: applied.real_servers().collect(),
        entries: applied.entries(),
        interfaces: applied.interfaces().iter().map(|(i, m)| (*i, *m)).collect(),
    }
}

fn applied(table: &ForwardingTable) -> Applied {
    Applied::default().plan(table, SIZE, 0).unwrap().1
}

#[test]
fn what_is_left_goes_on_as_it_was() {
    let before = applied(&two_servers());
    let adopted = Applied::adopt(found(&before, SIZE), SIZE, 3);
    let (changes, after) = adopted.plan(&two_servers(), SIZE, 4).unwrap();
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(after.services, before.services);
    // Indexes in use are not given out, others are.
    let three = [21, 22, 23].map(|last| (last, server(1, link(last))));
    let (changes, _) = after.plan(&one_service(three), SIZE, 5).unwrap();
    assert_eq!(changes.entries, [(3, 3)]);
}

#[test]
fn a_server_that_was_leaving_still_does() {
    let one = one_service([(22, server(1, link(22)))]);
    let leaving = applied(&two_servers()).plan(&one, SIZE, 0).unwrap().1;
    let settling = leaving.tally(&key(80)).unwrap().settling;
    let adopted = Applied::adopt(found(&leaving, SIZE), SIZE, 3);
    let (early, _) = adopted.sweep(&Census::default(), SIZE, 100);
    assert!(early.is_empty(), "{early:?}");
    let (changes, after) = adopted.plan(&one, SIZE, 4).unwrap();
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(after.tally(&key(80)).unwrap().settling, settling);
    assert!(
        after
            .servers(&key(80))
            .any(|server| server.leaving && server.id == 1)
    );
    assert!(after.needs_sweep().exceptions);
    // They settle for as long as the service says, from now on.
    let census = Census::default();
    assert!(after.sweep(&census, SIZE, 902).0.is_empty());
    assert!(!after.sweep(&census, SIZE, 903).0.tables.is_empty());
}

#[test]
fn contradictions_lead_to_nobody() {
    let mut found = found(&applied(&two_servers()), SIZE);
    let slots = &mut found.services[0].2;
    slots[0] = Slot::stable(9999);
    slots[1] = Slot::settling(77, 1);
    slots[2] = Slot::settling(1, 77);
    slots[3] = Slot::settling(1, 1);
    slots.truncate(4092);
    found.real_servers.push((40_000, found.real_servers[0].1));
    found.services.push((key(81), found.services[0].1, vec![]));
    found.entries.truncate(3);
    let applied = Applied::adopt(found, SIZE, 3);
    let slots = &applied.services[&key(80)].slots;
    let slot = |index| slots.get(index).unwrap();
    assert_eq!(slot(0), SlotState::Stable { current: 0 });
    assert_eq!(slot(1), SlotState::Stable { current: 0 });
    assert_eq!(slot(2), SlotState::Exceptional { current: 1 });
    assert_eq!(slot(3), SlotState::Exceptional { current: 1 });
    assert_eq!(slot(4092), SlotState::Stable { current: 0 });
    // Two services cannot have one table.
    assert_eq!(applied.services.len(), 1);
    // The next plan puts it right.
    let (changes, after) = applied.plan(&two_servers(), SIZE, 4).unwrap();
    assert_eq!(changes.tables.len(), 1);
    assert!(after.servers(&key(80)).all(|server| server.usable));
    let Changes { tables, .. } = changes;
    assert!(tables[0].1.iter().all(|slot| slot.current() != 0));
}

#[test]
fn the_maps_may_hold_anything() {
    let random = |seed: u64| lb_common::hash::siphash([seed, 0, 0], 7);
    let mut found = found(&applied(&two_servers()), SIZE);
    for (slot, seed) in found.services[0].2.iter_mut().zip(0..) {
        *slot = Slot(random(seed));
    }
    found.services[0].1.flags = u32::MAX;
    found.services[0].1.length = u32::MAX;
    found.entries = (0..20_000).map(|id| random(id) as u32).collect();
    found.entries[1] = 1;
    found.real_servers[1].1.id = u32::MAX;
    let adopted = Applied::adopt(found, SIZE, u64::MAX);
    assert!(adopted.plan(&two_servers(), SIZE, u64::MAX).is_ok());
}

#[derive(Debug, Clone)]
enum Step {
    /// Weights of the servers that are configured.
    Plan(Vec<Option<u16>>),
    Sweep,
}

proptest! {
    /// Whenever the daemon is replaced, the next one finds nothing to write.
    #[test]
    fn a_change_of_daemons_changes_nothing(
        steps in prop::collection::vec(prop_oneof![
            prop::collection::vec(prop::option::of(0u16..3), 4).prop_map(Step::Plan),
            Just(Step::Sweep),
        ], 1..10),
        method in prop::sample::select(vec![Method::Mh { port: false }, Method::Sh { port: true }, Method::Wrr, Method::Lc]),
    ) {
        let size = TableSize::new(251).unwrap();
        let mut applied = Applied::default();
        let mut desired = ForwardingTable::default();
        for (step, now) in steps.into_iter().zip((0u64..).step_by(500)) {
            let (changes, next) = match step {
                Step::Plan(weights) => {
                    let servers = (0u8..).zip(weights);
                    let servers = servers.filter_map(|(last, w)| Some((last, server(w?, link(last)))));
                    desired = one_service(servers);
                    desired.services.values_mut().for_each(|service| service.method = method);
                    applied.plan(&desired, size, now).unwrap()
                }
                Step::Sweep => applied.sweep(&Scan::new(&applied, now).finish(), size, now),
            };
            for (_, slots) in &changes.tables {
                prop_assert_eq!(slots.len(), capacity(size) as usize);
            }
            applied = next;
            applied.reclaim(&changes.retired);
            let adopted = Applied::adopt(found(&applied, size), size, now);
            let (changes, after) = adopted.plan(&desired, size, now).unwrap();
            prop_assert!(changes.is_empty(), "{changes:?}");
            prop_assert_eq!(after.entries(), applied.entries());
            let tables = |applied: &Applied| applied.tables(size).collect::<Vec<_>>();
            prop_assert_eq!(tables(&after), tables(&applied));
        }
    }
}
