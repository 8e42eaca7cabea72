//! Building the program's index of services: a cuckoo hash table. PURE.

use std::collections::BTreeMap;

use lb_common::index::{IndexEntry, IndexKey, PLACES};
use lb_common::layout::{Service, ServiceKey};

/// Moves before a key counts as homeless. At a quarter of the places taken, chains are a few
/// moves long.
const MAX_MOVES: usize = 500;

/// The places of all services.
///
/// # Errors
/// A service for which there is no place: that takes three keys with both places in common.
pub fn place<'s>(
    services: impl IntoIterator<Item = (&'s ServiceKey, &'s Service)>,
) -> Result<BTreeMap<u32, IndexEntry>, ServiceKey> {
    let mut places: BTreeMap<u32, (ServiceKey, IndexEntry)> = BTreeMap::new();
    for (key, service) in services {
        let entry = IndexEntry {
            key: IndexKey::from(*key),
            service: *service,
        };
        settle(&mut places, *key, entry)?;
    }
    debug_assert!(places.keys().all(|place| *place < PLACES));
    Ok(places
        .into_iter()
        .map(|(place, (_, entry))| (place, entry))
        .collect())
}

/// Puts an entry into one of its places; whoever is there moves to its other one.
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
    for _ in 0..MAX_MOVES {
        let Some(evicted) = places.insert(place, homeless) else {
            return Ok(());
        };
        let [first, second] = evicted.1.key.places();
        place = if place == first { second } else { first };
        homeless = evicted;
    }
    Err(homeless.0)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use lb_common::layout::MAX_SERVICES;

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
        let key = IndexKey::from(key);
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
        assert_eq!(places.len(), keys.len());
        for (key, service) in &services {
            assert_eq!(find(&places, *key), Some(service.table));
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
    fn no_services_take_no_places() {
        assert!(place([]).unwrap().is_empty());
    }
}
