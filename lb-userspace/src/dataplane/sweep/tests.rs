use lb_common::record::{Bucket, Key, store};

use super::super::plan::tests::{SIZE, key, link, one_service, server, two_servers};
use super::super::table::{ForwardingTable, Method, Persistence};
use super::*;

use Records::{Exceptions, Flows, Persistence as Clients};
use State::{Closing, Established, Opening, Unconfirmed};

/// Opening 60 s, established 900 s, closing 120 s, and clients 50 s.
const NOW: u64 = 10_000;

fn table(method: Method, weight: u16) -> ForwardingTable {
    let mut table = one_service([(21, server(weight, link(21))), (22, server(1, link(22)))]);
    let service = table.services.get_mut(&key(80)).unwrap();
    service.method = method;
    service.persistence = Some(Persistence {
        timeout: 50,
        prefix_len: 32,
    });
    table
}

/// Server 1 drains, and slots that were its own settle.
fn draining() -> Applied {
    let mh = Method::Mh { port: false };
    let before = Applied::default().plan(&table(mh, 1), SIZE, 0).unwrap().1;
    before.plan(&table(mh, 0), SIZE, NOW).unwrap().1
}

/// A stable and a settling slot, both server 2's.
fn slots(applied: &Applied) -> [u32; 2] {
    let slots = &applied.services[&key(80)].slots;
    [false, true].map(|settling| {
        let wanted = |index: &u32| slots.get(*index).unwrap().is_settling() == settling;
        (0..4093).find(wanted).unwrap()
    })
}

#[test]
fn records_count_as_long_as_they_say_something() {
    let applied = draining();
    let [stable, settling] = slots(&applied);
    // (map, server, slot, state, seconds ago, kept)
    let rows = [
        (Exceptions, 1, stable, Established, 900, true),
        (Exceptions, 1, stable, Established, 901, false),
        (Exceptions, 1, stable, Unconfirmed, 901, false),
        (Exceptions, 1, stable, Opening, 61, false),
        (Exceptions, 1, stable, Closing, 120, true),
        (Exceptions, 1, stable, Closing, 121, false),
        // As the slot says anyway, unless packets without record are the previous one's.
        (Exceptions, 2, stable, Established, 0, false),
        (Exceptions, 2, settling, Established, 0, true),
        (Exceptions, 3, stable, Established, 0, false),
        (Exceptions, 0, stable, Established, 0, false),
        (Exceptions, 1, 4093, Established, 0, false),
        // A client is not sent to a server that drains, unless it is connected.
        (Clients, 1, stable, Established, 0, false),
        (Clients, 2, stable, Established, 50, true),
        (Clients, 2, stable, Established, 51, false),
        (Clients, 2, 4093, Established, 0, false),
        (Flows, 1, stable, Established, 0, false),
    ];
    for (map, id, slot, state, ago, kept) in rows {
        let mut scan = Scan::new(&applied, NOW);
        let record = Record::new(id, slot, state, 0, NOW - ago);
        assert_eq!(
            scan.keep(map, record),
            kept,
            "{map:?} {id} {slot} {state:?} {ago}"
        );
        let census = scan.finish();
        assert_eq!(census.records(map), usize::from(kept));
        let connections = u32::from(kept && map != Clients);
        assert_eq!(census.connections(id), connections);
        let disagrees = census.disagrees_in(0, slot as usize);
        assert_eq!(disagrees, kept && id == 1, "{map:?} {id} {slot}");
    }
    let mut scan = Scan::new(&applied, NOW);
    let other_table = Record::new(1, stable, Established, 7, NOW);
    assert!(!scan.keep(Exceptions, other_table));
}

#[test]
fn flows_are_of_services_that_keep_them() {
    let (_, applied) = Applied::default()
        .plan(&table(Method::Rr, 1), SIZE, 0)
        .unwrap();
    let mut scan = Scan::new(&applied, NOW);
    let record = |state, ago| Record::new(1, 77, state, 0, NOW - ago);
    assert!(scan.keep(Flows, record(Established, 900)));
    assert!(scan.keep(Flows, record(Opening, 60)));
    assert!(!scan.keep(Flows, record(Opening, 61)));
    assert!(!scan.keep(Exceptions, record(Established, 0)));
    assert!(scan.keep(Clients, record(Established, 0)));
    let load = Load {
        active: 1,
        inactive: 1,
    };
    assert_eq!(scan.finish().load(1), load);
}

#[test]
fn a_server_of_another_service_is_nobodys() {
    let mut two = two_servers();
    let other = two.services[&key(80)].clone();
    two.services.insert(key(81), other);
    let (_, applied) = Applied::default().plan(&two, SIZE, 0).unwrap();
    let mut scan = Scan::new(&applied, NOW);
    let slots = applied.services[&key(80)].slots.clone();
    let slot = (0..)
        .find(|i| slots.get(*i).unwrap().current() == 2)
        .unwrap();
    assert!(scan.keep(Exceptions, Record::new(1, slot, Established, 0, NOW)));
    assert!(!scan.keep(Exceptions, Record::new(3, slot, Established, 0, NOW)));
}

#[test]
fn places_of_void_records_are_emptied() {
    let applied = draining();
    let [stable, _] = slots(&applied);
    let buckets = [Bucket::default(), Bucket::default()];
    let both = [&buckets[0], &buckets[1]];
    let record = |ago| Record::new(1, stable, Established, 0, NOW - ago);
    for (port, ago) in [(1, 0), (2, 901), (3, 5)] {
        let key = Key::new(0, [0, 9], port, 1);
        assert!(store(both, key, record(ago), NOW));
    }
    let places = || buckets.iter().flat_map(|bucket| &bucket.places);
    let mut scan = Scan::new(&applied, NOW);
    scan.places(Exceptions, places());
    let census = scan.finish();
    assert_eq!((census.records(Exceptions), census.removed()), (2, 1));
    assert_eq!(census.connections(1), 2);
    let mut ages: Vec<_> = places()
        .filter_map(|p| p.read())
        .map(|(_, r)| r.age(NOW))
        .collect();
    ages.sort_unstable();
    assert_eq!(ages, [0, 5]);
}
