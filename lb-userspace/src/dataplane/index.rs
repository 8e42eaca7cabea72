//! Building the program's index of services: a cuckoo hash table. PURE.

use std::collections::BTreeMap;

use lb_common::index::{IndexEntry, IndexKey, PLACES};
use lb_common::layout::{Service, ServiceKey};

/// Moves before a key counts as homeless. At a quarter of the places taken, chains are a few
/// moves long; at a half, some are of hundreds.
const MAX_MOVES: usize = 1000;

/// The places of all services, and of what leads fragments to them.
///
/// # Errors
/// A service for which there is no place: that takes three keys with both places in common.
pub fn place<'s>(
    services: impl IntoIterator<Item = (&'s ServiceKey, &'s Service)>,
) -> Result<BTreeMap<u32, IndexEntry>, ServiceKey> {
    let mut places: BTreeMap<u32, (ServiceKey, IndexEntry)> = BTreeMap::new();
    let mut addresses: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (key, service) in services {
        let entry = IndexEntry {
            key: IndexKey::from(*key),
            service: *service,
        };
        settle(&mut places, *key, entry)?;
        let address = (key.address, key.protocol);
        addresses.entry(address).or_default().push((key, entry));
    }
    for of_address in addresses.values() {
        if let [(key, entry)] = of_address[..]
            && takes_fragments(&entry.service)
        {
            let fragments = IndexKey::of_fragments(entry.key.address, key.protocol);
            let key_of_fragments = IndexEntry {
                key: fragments,
                ..entry
            };
            // With as many of them as services, half the places are taken, and one in some
            // thousands may find none: its fragments are left to the kernel.
            let _ = settle(&mut places, *key, key_of_fragments);
        }
    }
    debug_assert!(places.keys().all(|place| *place < PLACES));
    Ok(places
        .into_iter()
        .map(|(place, (_, entry))| (place, entry))
        .collect())
}

/// A fragment has no ports, so nothing that a port decides.
const fn takes_fragments(service: &Service) -> bool {
    service.flags & (Service::FLOWS | Service::PORT) == 0
}

/// Puts an entry into one of its places; whoever is there moves to its other one. If that does
/// not end well, all stay where they were.
fn settle(
    places: &mut BTreeMap<u32, (ServiceKey, IndexEntry)>,
    key: ServiceKey,
    entry: IndexEntry,
) -> Result<(), ServiceKey> {
    let [mut place, other] = entry.key.places();
    if places.contains_key(&place) {
        place = other;
    }
    let mut homeless = (key, entry);
    let mut path = Vec::new();
    for _ in 0..MAX_MOVES {
        let Some(evicted) = places.insert(place, homeless) else {
            return Ok(());
        };
        path.push(place);
        let [first, second] = evicted.1.key.places();
        place = if place == first { second } else { first };
        homeless = evicted;
    }
    for place in path.into_iter().rev() {
        // Each of these places was taken, and is.
        if let Some(moved) = places.insert(place, homeless) {
            homeless = moved;
        }
    }
    Err(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use lb_common::layout::{MAX_SERVICES, words};

    use super::super::table::service_key;
    use super::*;

    fn service(table: u32) -> Service {
        Service {
            flags: 1,
            table,
            client_mask: Service::WHOLE_CLIENT,
            established: 900,
            opening: 60,
            closing: 120,
            persistence: 0,
            length: 0,
        }
    }

    /// As the program looks: two places, and the whole key compared.
    fn find(places: &BTreeMap<u32, IndexEntry>, key: ServiceKey) -> Option<u32> {
        find_key(places, key.into())
    }

    fn fragments(places: &BTreeMap<u32, IndexEntry>, key: ServiceKey) -> Option<u32> {
        let address = words(key.address);
        find_key(places, IndexKey::of_fragments(address, key.protocol))
    }

    fn find_key(places: &BTreeMap<u32, IndexEntry>, key: IndexKey) -> Option<u32> {
        let found = key
            .places()
            .into_iter()
            .filter_map(|place| places.get(&place));
        found
            .filter(|entry| entry.key == key)
            .map(|entry| entry.service.table)
            .next()
    }

    /// All services are found, and their neighbours are not.
    fn holds(keys: &[ServiceKey]) {
        let services: Vec<_> = keys
            .iter()
            .zip(0..)
            .map(|(k, n)| (*k, service(n)))
            .collect();
        let places = place(services.iter().map(|(k, s)| (k, s))).unwrap();
        let mut of_address = BTreeMap::new();
        for key in keys {
            *of_address.entry(key.address).or_insert(0) += 1;
        }
        for (key, service) in &services {
            let alone = of_address[&key.address] == 1;
            assert_eq!(find(&places, *key), Some(service.table));
            assert_eq!(fragments(&places, *key), alone.then_some(service.table));
            let other = ServiceKey {
                protocol: 132,
                ..*key
            };
            assert_eq!(find(&places, other), None);
        }
    }

    fn keys(addresses: impl Iterator<Item = IpAddr>, ports: &[u16]) -> Vec<ServiceKey> {
        let keys =
            addresses.flat_map(|a| ports.iter().map(move |p| service_key((a, *p).into(), 6)));
        keys.take(MAX_SERVICES as usize).collect()
    }

    #[test]
    fn as_many_services_as_may_be_find_a_place_however_they_are_numbered() {
        let v4 = |n: u32| IpAddr::V4(Ipv4Addr::from(0xc000_0200 + n));
        let v6 = |n: u128| {
            IpAddr::V6(Ipv6Addr::from(
                0x2001_0db8_0000_0000_0000_0000_0000_0000 + n,
            ))
        };
        let many = MAX_SERVICES;
        let all: Vec<u16> = (1..=MAX_SERVICES as u16).collect();
        holds(&keys((0..many).map(v4), &[80]));
        holds(&keys((0..many).map(v4), &[80, 443]));
        holds(&keys([v4(0)].into_iter(), &all));
        holds(&keys((0..many).map(|n| v4(n << 8)), &[80]));
        holds(&keys((0..many).map(|n| v4(n << 16)), &[80]));
        holds(&keys((0..u128::from(many)).map(v6), &[80]));
        holds(&keys(
            (0..u128::from(many)).map(|n| v6(n << 64)),
            &[80, 443],
        ));
        holds(&keys((0..u128::from(many)).map(|n| v6(n << 64 | n)), &[80]));
    }

    #[test]
    fn services_come_first_when_their_fragments_fill_the_index() {
        let mut homeless = 0;
        for set in 0..5u64 {
            let address = |n: u64| {
                let hash = lb_common::hash::siphash([n, set, 0], 1);
                IpAddr::V4(Ipv4Addr::from(hash as u32))
            };
            let addresses: BTreeSet<IpAddr> =
                (0..).map(address).take(MAX_SERVICES as usize).collect();
            let keys = keys(addresses.into_iter(), &[80]);
            let services: Vec<_> = keys.iter().zip(0..).collect();
            let services: Vec<_> = services.iter().map(|(k, n)| (*k, service(*n))).collect();
            let places = place(services.iter().map(|(k, s)| (*k, s))).unwrap();
            for (key, service) in &services {
                assert_eq!(find(&places, **key), Some(service.table));
                match fragments(&places, **key) {
                    Some(table) => assert_eq!(table, service.table),
                    None => homeless += 1,
                }
            }
        }
        assert!(homeless < 10, "{homeless} in 5 sets");
    }

    #[test]
    fn an_entry_without_place_leaves_the_others_where_they_are_found() {
        let mut places = BTreeMap::new();
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from(n.wrapping_mul(2_654_435_761)));
        let keys: Vec<_> = (1..PLACES)
            .map(|n| service_key((address(n), 80).into(), 6))
            .collect();
        let mut placed = Vec::new();
        for (key, table) in keys.iter().zip(0..) {
            let entry = IndexEntry {
                key: IndexKey::from(*key),
                service: service(table),
            };
            if settle(&mut places, *key, entry).is_ok() {
                placed.push((*key, table));
            }
        }
        assert!(
            placed.len() < keys.len(),
            "there is more room than expected"
        );
        let places = places.into_iter().map(|(place, (_, entry))| (place, entry));
        let places = places.collect();
        for (key, table) in placed {
            assert_eq!(find(&places, key), Some(table));
        }
    }

    #[test]
    fn fragments_go_where_no_port_is_needed_to_know_it() {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
        let tcp = |port| service_key((address, port).into(), 6);
        let udp = service_key((address, 80).into(), 17);
        let with = |flags| Service {
            flags,
            ..service(1)
        };
        let plain = [(&tcp(80), &with(1)), (&udp, &with(Service::SH))];
        let places = place(plain).unwrap();
        assert_eq!(places.len(), 4);
        assert_eq!(fragments(&places, tcp(80)), Some(1));
        assert_eq!(fragments(&places, udp), Some(1));
        // The service on all ports does not know its neighbour's packets.
        let two = [(&tcp(0), &with(1)), (&tcp(80), &with(1))];
        assert_eq!(fragments(&place(two).unwrap(), tcp(80)), None);
        assert_eq!(
            fragments(&place([(&tcp(0), &with(1))]).unwrap(), tcp(0)),
            Some(1)
        );
        for flag in [Service::PORT, Service::FLOWS] {
            let places = place([(&tcp(80), &with(flag))]).unwrap();
            assert_eq!(fragments(&places, tcp(80)), None, "{flag}");
        }
    }

    #[test]
    fn no_services_take_no_places() {
        assert!(place([]).unwrap().is_empty());
    }
}
