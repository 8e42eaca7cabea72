use lb_common::layout::MAX_LEAST;

use super::super::super::table::{ForwardingTable, Persistence, service_key};
use super::super::tests::{SIZE, key, link, one_service, server, two_servers};
use super::*;

/// The table with its service changed.
fn with(mut table: ForwardingTable, change: impl Fn(&mut Service)) -> ForwardingTable {
    table.services.values_mut().for_each(change);
    table
}

/// The same for UDP.
fn udp(table: ForwardingTable) -> ForwardingTable {
    let services = table.services.into_iter();
    let services = services.map(|(key, service)| {
        let protocol = UDP;
        (ServiceKey { protocol, ..key }, service)
    });
    ForwardingTable {
        services: services.collect(),
        ..table
    }
}

fn plan(applied: &Applied, table: &ForwardingTable, now: u64) -> (Changes, Applied) {
    applied.plan(table, SIZE, now).unwrap()
}

fn applied(table: &ForwardingTable) -> Applied {
    plan(&Applied::default(), table, 0).1
}

/// Server 22 alone.
fn one_server() -> ForwardingTable {
    one_service([(22, server(1, link(22)))])
}

/// It sees none of the connections, those that began since then are the more.
#[test]
fn on_a_director_that_does_not_serve_slots_go_back_to_a_server_at_once() {
    let backup = |table| with(table, |service| service.active = false);
    let out = one_service([(21, server(1, None)), (22, server(1, link(22)))]);
    for (table, down, stable) in [
        (two_servers(), out.clone(), false),
        (backup(two_servers()), backup(out), true),
    ] {
        let before = applied(&table);
        let (_, failed) = plan(&before, &down, 5);
        let (changes, _) = plan(&failed, &table, 10);
        let slots = &changes.tables[0].1;
        assert_eq!(slots.iter().all(|slot| slot.flags() == 0), stable);
    }
}

#[test]
fn a_draining_server_keeps_its_entry_and_its_connections() {
    let before = applied(&two_servers());
    let draining = one_service([(21, server(0, link(21))), (22, server(1, link(22)))]);
    let (changes, after) = plan(&before, &draining, 5);
    let rest = Changes {
        tables: vec![],
        ..Changes::default()
    };
    let slots = &changes.tables[0].1;
    assert!(slots.iter().all(|slot| slot.current() == 2));
    assert!(slots.contains(&Slot::settling(2, 1)));
    assert!(slots.contains(&Slot::stable(2)));
    assert_eq!(after.entries()[1], 1);
    assert_eq!(
        Changes {
            tables: vec![],
            ..changes
        },
        rest
    );
    let status: Vec<_> = after
        .servers(&key(80))
        .map(|s| (s.draining, s.leaving))
        .collect();
    assert_eq!(status, [(true, false), (false, false)]);
}

#[test]
fn a_server_that_is_taken_out_leaves_and_comes_back_as_itself() {
    let before = applied(&two_servers());
    let (changes, left) = plan(&before, &one_server(), 5);
    assert_eq!(changes.retired, Default::default());
    assert_eq!((&changes.entries, &changes.purge), (&vec![], &vec![]));
    assert!(
        left.servers(&key(80))
            .any(|s| s.leaving && s.draining && s.id == 1)
    );
    let settling = left.tally(&key(80)).unwrap().settling;
    assert!(settling > 1000, "{settling}");
    assert!(plan(&left, &one_server(), 6).0.is_empty());
    let (changes, back) = plan(&left, &two_servers(), 7);
    assert!(changes.real_servers.is_empty() && changes.clear_counters.is_empty());
    let tally = back.tally(&key(80)).unwrap();
    assert_eq!((tally.settling, tally.exceptional), (0, settling));
}

#[test]
fn a_server_that_is_down_has_no_entry_and_its_records_are_void() {
    let before = applied(&two_servers());
    let down = one_service([(21, server(1, None)), (22, server(1, link(22)))]);
    let (changes, after) = plan(&before, &down, 5);
    assert_eq!(changes.entries, [(1, 0)]);
    assert_eq!(changes.purge, [1]);
    assert_eq!(changes.retired.entries, [1]);
    // There is nobody to keep connections with.
    assert_eq!(after.tally(&key(80)).unwrap().stable, 4093);
    // Taken out later, it has nothing to leave behind.
    let (changes, _) = plan(&after, &one_server(), 6);
    assert_eq!(changes.retired.counters, [(key(80), 1)]);
    assert!(changes.tables.is_empty());
}

#[test]
fn the_previous_server_of_a_slot_dies_and_is_cleared() {
    let three = |first| one_service([(21, first), (22, server(1, link(22)))]);
    let draining = plan(&applied(&two_servers()), &three(server(0, link(21))), 5).1;
    let (changes, dead) = plan(&draining, &three(server(0, None)), 6);
    assert!(changes.tables[0].1.contains(&Slot::exceptional(2)));
    assert_eq!(dead.tally(&key(80)).unwrap().settling, 0);
}

#[test]
fn udp_has_connections_only_if_it_is_told_so() {
    let key = ServiceKey {
        protocol: UDP,
        ..key(80)
    };
    let (changes, after) = plan(&applied(&udp(two_servers())), &udp(one_server()), 5);
    assert_eq!(changes.retired.counters, [(key, 1)]);
    assert_eq!((&changes.entries, &changes.purge), (&vec![(1, 0)], &vec![]));
    assert_eq!(after.tally(&key).unwrap().stable, 4093);
    let affine = |table| with(udp(table), |service| service.affinity = true);
    let (changes, after) = plan(&applied(&affine(two_servers())), &affine(one_server()), 5);
    assert_eq!(changes.retired, Default::default());
    assert!(after.tally(&key).unwrap().settling > 0);
}

#[test]
fn a_removed_service_voids_its_records() {
    let (changes, _) = plan(&applied(&two_servers()), &ForwardingTable::default(), 5);
    assert_eq!(changes.purge, [1, 2]);
    assert_eq!(changes.entries, [(1, 0), (2, 0)]);
}

#[test]
fn slots_of_another_hash_start_anew() {
    let settling = plan(&applied(&two_servers()), &one_server(), 5).1;
    let sh = with(one_server(), |service| {
        service.method = Method::Sh { port: false }
    });
    let (changes, after) = plan(&settling, &sh, 6);
    assert_eq!(changes.purge, [2, 1]);
    assert_eq!(changes.retired.counters, [(key(80), 1)]);
    assert_eq!(after.tally(&key(80)).unwrap().stable, 256);
    let slots = &changes.tables[0].1;
    assert_eq!(slots.len(), 4093);
    assert!(slots[..256].iter().all(|slot| *slot == Slot::stable(2)));
    assert!(slots[256..].iter().all(|slot| *slot == Slot::default()));
}

#[test]
fn a_small_table_has_room_for_all_buckets_of_sh() {
    let size = TableSize::new(251).unwrap();
    assert_eq!((capacity(size), capacity(SIZE)), (256, 4093));
    let sh = with(one_server(), |service| {
        service.method = Method::Sh { port: false }
    });
    let (changes, _) = Applied::default().plan(&sh, size, 0).unwrap();
    assert_eq!(changes.tables[0].1, vec![Slot::stable(1); 256]);
}

#[test]
fn services_with_flows_have_sequences() {
    let three = one_service([
        (21, server(1, link(21))),
        (22, server(0, link(22))),
        (23, server(2, link(23))),
    ]);
    // The canonical order is descending.
    let rows: [(Method, &[u32]); 4] = [
        (Method::Rr, &[3, 1]),
        (Method::Wrr, &[3, 3, 1]),
        (Method::Lc, &[3, 1]),
        (Method::Wlc, &[3, 1]),
    ];
    for (method, expected) in rows {
        let table = with(three.clone(), |service| service.method = method);
        let (changes, before) = plan(&Applied::default(), &table, 0);
        assert_eq!(changes.set_services[0].1.length as usize, expected.len());
        let slots = changes.tables[0].1.iter();
        let used: Vec<u32> = slots
            .map(|slot| slot.current())
            .filter(|i| *i != 0)
            .collect();
        assert_eq!(used, expected, "{method:?}");
        // Records decide about those that were there before.
        let alone = with(one_server(), |service| service.method = method);
        let (changes, after) = plan(&before, &alone, 5);
        assert!(changes.retired.counters.is_empty());
        assert_eq!(after.tally(&key(80)).unwrap().stable, 1);
        assert_eq!(after.servers(&key(80)).filter(|s| s.leaving).count(), 2);
    }
}

#[test]
fn as_many_are_compared_as_the_program_can() {
    let many = (0..300u32).map(|n| {
        let address = IpAddr::V4((0x0a00_0000 + n).into());
        (address, server(1, link(1)))
    });
    let mut service = Service::mh(true, many.collect());
    service.method = Method::Lc;
    let table = ForwardingTable {
        services: [(key(80), service)].into(),
        ..ForwardingTable::default()
    };
    let (changes, _) = plan(&Applied::default(), &table, 0);
    assert_eq!(changes.set_services[0].1.length, MAX_LEAST);
}

#[test]
fn only_wlc_divides_by_weights() {
    let weight = |method, weight| {
        let table = one_service([(21, server(weight, link(21)))]);
        with(table, |service| service.method = method)
    };
    let written = |changes: &Changes| changes.real_servers.first().map(|(_, e)| e.weight);
    for (method, weights) in [
        (Method::Lc, (Some(1), None)),
        (Method::Wlc, (Some(2), Some(3))),
    ] {
        let (changes, applied) = plan(&Applied::default(), &weight(method, 2), 0);
        assert_eq!(written(&changes), weights.0);
        let (changes, _) = plan(&applied, &weight(method, 3), 0);
        assert_eq!(written(&changes), weights.1);
        let moved = if weights.1.is_some() {
            vec![(1, 2)]
        } else {
            vec![]
        };
        assert_eq!(changes.entries, moved);
    }
}

#[test]
fn the_program_is_told_what_is_special() {
    use layout::Service as Value;
    let flags = |table: ForwardingTable| {
        let (changes, _) = plan(&Applied::default(), &table, 0);
        changes.set_services[0].1.flags & Value::SPECIAL
    };
    let method = |method| flags(with(two_servers(), |service| service.method = method));
    assert_eq!(method(Method::Mh { port: false }), 0);
    assert_eq!(method(Method::Mh { port: true }), Value::PORT);
    assert_eq!(method(Method::Sh { port: true }), Value::PORT | Value::SH);
    assert_eq!(method(Method::Wrr), Value::FLOWS);
    assert_eq!(method(Method::Lc), Value::FLOWS | Value::LEAST);
    let affine = with(two_servers(), |service| service.affinity = true);
    assert_eq!(flags(affine.clone()), 0);
    assert_eq!(flags(udp(affine)), Value::BY_CLIENT);
}

#[test]
fn a_granularity_is_a_mask_in_the_services_own_family() {
    let persistent = |prefix_len| {
        with(two_servers(), |service| {
            let timeout = 60;
            service.persistence = Some(Persistence {
                timeout,
                prefix_len,
            });
        })
    };
    let (changes, _) = plan(&Applied::default(), &persistent(24), 0);
    let value = changes.set_services[0].1;
    assert_eq!(
        value.flags & layout::Service::PERSISTENT,
        layout::Service::PERSISTENT
    );
    assert_eq!(value.persistence, 60);
    assert_eq!(value.client_mask[..15], [0xff; 15]);
    assert_eq!(value.client_mask[15], 0);
    let v6 = service_key(("2001:db8::1".parse::<IpAddr>().unwrap(), 80).into(), 6);
    assert_eq!(mask(&v6, 56)[..8], [255, 255, 255, 255, 255, 255, 255, 0]);
    assert_eq!(mask(&v6, 128), layout::Service::WHOLE_CLIENT);
    assert_eq!(mask(&v6, 0), [0; 16]);
    assert_eq!(mask(&key(80), 32), layout::Service::WHOLE_CLIENT);
}

#[test]
fn services_on_all_ports_are_told_once() {
    let table = ForwardingTable {
        services: [(key(0), Service::mh(true, BTreeMap::new()))].into(),
        ..ForwardingTable::default()
    };
    let (changes, with) = plan(&Applied::default(), &table, 0);
    assert_eq!(changes.wildcards, Some(true));
    assert_eq!(plan(&with, &table, 0).0.wildcards, None);
    let (changes, _) = plan(&with, &two_servers(), 0);
    assert_eq!(changes.wildcards, Some(false));
}
