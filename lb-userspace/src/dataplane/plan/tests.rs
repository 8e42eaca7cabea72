use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::super::table::{Path, RealServer, Service};
use super::*;

pub(in super::super) const SIZE: TableSize = TableSize::DEFAULT;

pub(in super::super) fn key(port: u16) -> ServiceKey {
    super::super::table::service_key((Ipv4Addr::new(192, 0, 2, 10), port).into(), 6)
}

pub(in super::super) fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

pub(in super::super) fn link(last: u8) -> Option<Path> {
    Some(Path::Link {
        mac: Mac([2, 0, 0, 0, 0, last]),
        source_mac: Mac([2, 0, 0, 0, 1, 0]),
        ifindex: 3,
        vlans: [0; 2],
    })
}

pub(in super::super) fn server(weight: u16, path: Option<Path>) -> RealServer {
    RealServer { weight, path }
}

pub(in super::super) fn one_service(
    servers: impl IntoIterator<Item = (u8, RealServer)>,
) -> ForwardingTable {
    let real_servers = servers.into_iter().map(|(l, s)| (address(l), s)).collect();
    let service = Service::mh(true, real_servers);
    ForwardingTable {
        services: [(key(80), service)].into(),
        interfaces: [(3, Mac([2, 0, 0, 0, 1, 0]))].into(),
    }
}

pub(in super::super) fn two_servers() -> ForwardingTable {
    one_service([(21, server(1, link(21))), (22, server(1, link(22)))])
}

#[test]
fn the_first_plan_writes_everything_and_the_second_nothing() {
    let (changes, applied) = Applied::default().plan(&two_servers(), SIZE, 0).unwrap();
    assert_eq!(changes.real_servers.len(), 2);
    assert_eq!(changes.clear_counters, [1, 2]);
    assert_eq!(changes.tables.len(), 1);
    assert_eq!(changes.set_services.len(), 1);
    assert_eq!(changes.set_interfaces.len(), 1);
    let (again, _) = applied.plan(&two_servers(), SIZE, 0).unwrap();
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn mastership_touches_the_service_alone() {
    let (_, applied) = Applied::default().plan(&two_servers(), SIZE, 0).unwrap();
    let mut backup = two_servers();
    backup.services.get_mut(&key(80)).unwrap().active = false;
    let (changes, _) = applied.plan(&backup, SIZE, 0).unwrap();
    assert_eq!(changes.set_services[0].1.flags, 0);
    // Its own key, and that of its fragments.
    assert_eq!(changes.index.as_ref().unwrap().len(), 2);
    let rest = Changes {
        set_services: vec![],
        index: None,
        ..changes
    };
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn a_new_mac_is_a_new_entry_with_the_old_counter() {
    let (_, applied) = Applied::default().plan(&two_servers(), SIZE, 0).unwrap();
    let moved = one_service([(21, server(1, link(99))), (22, server(1, link(22)))]);
    let (changes, applied) = applied.plan(&moved, SIZE, 0).unwrap();
    assert_eq!(changes.real_servers.len(), 1);
    let (index, entry) = changes.real_servers[0];
    assert_eq!((index, entry.id, entry.mac[5]), (3, 1, 99));
    assert_eq!(changes.retired.entries, [1]);
    assert!(changes.retired.counters.is_empty());
    assert_eq!(changes.tables.len(), 1);
    // Not given out again before it was reclaimed.
    let back = two_servers();
    let (changes, mut applied) = applied.plan(&back, SIZE, 0).unwrap();
    assert_eq!(changes.real_servers[0].0, 4);
    applied.reclaim(&Retired {
        entries: vec![1],
        ..Retired::default()
    });
    let (changes, _) = applied.plan(&moved, SIZE, 0).unwrap();
    assert_eq!(changes.real_servers[0].0, 1);
}

#[test]
fn a_server_that_is_down_keeps_its_counter() {
    let (_, applied) = Applied::default().plan(&two_servers(), SIZE, 0).unwrap();
    let down = one_service([(21, server(1, None)), (22, server(1, link(22)))]);
    let (changes, applied) = applied.plan(&down, SIZE, 0).unwrap();
    assert!(changes.retired.counters.is_empty());
    assert!(changes.tables[0].1.iter().all(|slot| slot.current() == 2));
    let counters: Vec<_> = applied.counters(&key(80)).collect();
    assert_eq!(counters, [(address(21), 1), (address(22), 2)]);
}

#[test]
fn without_usable_servers_the_table_is_empty() {
    let table = one_service([(21, server(0, link(21))), (22, server(1, None))]);
    let (changes, _) = Applied::default().plan(&table, SIZE, 0).unwrap();
    // The one that drains is known, but not to the table.
    assert_eq!(changes.real_servers.len(), 1);
    assert_eq!(changes.entries, [(1, 1)]);
    assert!(
        changes.tables[0]
            .1
            .iter()
            .all(|slot| *slot == Slot::default())
    );
}

#[test]
fn a_removed_service_leaves_nothing() {
    let (_, applied) = Applied::default().plan(&two_servers(), SIZE, 0).unwrap();
    let (changes, mut applied) = applied.plan(&ForwardingTable::default(), SIZE, 0).unwrap();
    assert_eq!(changes.remove_services, [key(80)]);
    assert_eq!(changes.remove_interfaces, [3]);
    assert_eq!(changes.retired.tables, [0]);
    assert_eq!(changes.retired.entries, [1, 2]);
    assert_eq!(changes.retired.counters, [(key(80), 1), (key(80), 2)]);
    applied.reclaim(&changes.retired);
    let (changes, _) = applied.plan(&two_servers(), SIZE, 0).unwrap();
    assert_eq!(changes.tables[0].0, 0);
}

#[test]
fn too_many_services_are_refused() {
    let service = Service::mh(false, BTreeMap::new());
    let services = (0..=MAX_SERVICES).map(|port| (key(port as u16), service.clone()));
    let table = ForwardingTable {
        services: services.collect(),
        ..ForwardingTable::default()
    };
    let size = TableSize::new(251).unwrap();
    assert_eq!(
        Applied::default().plan(&table, size, 0).unwrap_err(),
        Full::Services
    );
}

/// A server of the random tables below: absent, down, or up with one of two MACs.
fn any_server() -> impl Strategy<Value = Option<RealServer>> {
    prop_oneof![
        Just(None),
        (0u16..3, Just(None)).prop_map(|(w, p)| Some(server(w, p))),
        (0u16..3, 0u8..2).prop_map(|(w, mac)| Some(server(w, link(mac)))),
    ]
}

proptest! {
    /// Whatever the history, the kernel's maps end as if built from nothing: each slot leads
    /// to an entry with the wanted address, MAC and service's port.
    #[test]
    fn any_history_leads_to_the_same_mapping(
        history in prop::collection::vec(prop::collection::vec(any_server(), 5), 1..8)
    ) {
        let size = TableSize::new(251).unwrap();
        let mut applied = Applied::default();
        let mut entries = BTreeMap::new();
        let mut table = Vec::new();
        let mut last = ForwardingTable::default();
        for servers in history {
            last = one_service((0u8..).zip(servers).filter_map(|(l, s)| Some((l, s?))));
            let (changes, next) = applied.plan(&last, size, 0).unwrap();
            applied = next;
            for (index, entry) in changes.real_servers {
                let used = table.iter().any(|slot: &Slot| slot.current() == index);
                prop_assert!(!used, "entry {index} is written while a table refers to it");
                entries.insert(index, entry);
            }
            for (_, slots) in changes.tables {
                table = slots;
            }
            applied.reclaim(&changes.retired);
        }
        let (fresh, _) = Applied::default().plan(&last, size, 0).unwrap();
        let fresh_entries: BTreeMap<_, _> = fresh.real_servers.into_iter().collect();
        for (slot, wanted) in table.iter().zip(&fresh.tables[0].1) {
            let got = entries.get(&slot.current()).map(|e| (e.address, e.mac, e.port));
            let want = fresh_entries.get(&wanted.current()).map(|e| (e.address, e.mac, e.port));
            prop_assert_eq!(got, want);
        }
    }
}
