use crate::layout::{v4_words, words};

use super::*;

const SECRET: u64 = 0x1234_5678_9abc_def0;

fn client(n: u32) -> [u64; 2] {
    v4_words(n.to_be())
}

fn record(server: u32, state: State, now: u64) -> Record {
    Record::new(server, 0, state, 0, now)
}

#[test]
fn a_record_gives_back_what_was_put_in() {
    let record = Record::new(16_383, 131_071, State::Closing, 4095, 1_000_000);
    assert_eq!(record.server(), 16_383);
    assert_eq!(record.slot(), 131_071);
    assert_eq!(record.state(), State::Closing);
    assert_eq!(record.table(), 4095);
    assert_eq!(record.age(1_000_007), 7);
    let touched = record.touched(State::Established, 1_000_100);
    assert_eq!(touched.server(), 16_383);
    assert_eq!(touched.slot(), 131_071);
    assert_eq!(touched.state(), State::Established);
    assert_eq!(touched.table(), 4095);
    assert_eq!(touched.age(1_000_101), 1);
}

#[test]
fn age_counts_across_the_turn_of_the_clock() {
    let before = u64::from(Record::LONGEST) * 2 - 3;
    assert_eq!(record(1, State::Opening, before).age(before + 10), 10);
}

#[test]
fn ipv4_keys_are_exact() {
    let mut seen = std::collections::BTreeSet::new();
    for table in [0, 1, 4095] {
        for address in [0, 1, 0xc633_6407, u32::MAX] {
            for port in [0, 1, 443, u16::MAX] {
                assert!(seen.insert(Key::new(table, client(address), port, SECRET)));
            }
        }
    }
}

#[test]
fn ipv6_keys_differ_by_everything_and_by_the_secret() {
    let address = words([0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]);
    let key = Key::new(1, address, 443, SECRET);
    assert_ne!(key, Key::new(2, address, 443, SECRET));
    assert_ne!(key, Key::new(1, address, 444, SECRET));
    assert_ne!(key, Key::new(1, [address[1], address[0]], 443, SECRET));
    assert_ne!(key, Key::new(1, address, 443, SECRET + 1));
}

#[test]
fn what_is_stored_is_found_and_what_is_removed_is_not() {
    let buckets = [Bucket::default(), Bucket::default()];
    let both = [&buckets[0], &buckets[1]];
    let keys: Vec<Key> = (0..8).map(|n| Key::new(0, client(n), 1, SECRET)).collect();
    for (key, server) in keys.iter().zip(1..) {
        assert!(find(both, *key).is_none());
        assert!(store(both, *key, record(server, State::Established, 5), 5));
    }
    for (key, server) in keys.iter().zip(1..) {
        let (place, found) = find(both, *key).unwrap();
        assert_eq!(found.server(), server);
        assert!(place.remove(*key, found));
        assert!(find(both, *key).is_none());
    }
}

#[test]
fn a_flood_takes_only_the_places_of_what_was_seen_once() {
    let buckets = [Bucket::default(), Bucket::default()];
    let both = [&buckets[0], &buckets[1]];
    let key = |n| Key::new(0, client(n), 1, SECRET);
    for n in 0..7 {
        assert!(store(both, key(n), record(1, State::Established, 5), 5));
    }
    for n in 100..1000u32 {
        let now = u64::from(n);
        assert!(store(both, key(n), record(2, State::Opening, now), now));
    }
    for n in 0..7 {
        assert!(find(both, key(n)).is_some(), "established connection {n}");
    }
    assert!(find(both, key(999)).is_some(), "the latest of the flood");
    let (place, seen) = find(both, key(999)).unwrap();
    assert!(place.exchange(seen, seen.touched(State::Established, 1000)));
    assert!(!store(
        both,
        key(2000),
        record(2, State::Opening, 2000),
        2000
    ));
}

#[test]
fn the_same_key_is_stored_once() {
    let buckets = [Bucket::default(), Bucket::default()];
    let both = [&buckets[0], &buckets[1]];
    let key = Key::new(0, client(1), 1, SECRET);
    for server in 1..20 {
        assert!(store(both, key, record(server, State::Established, 5), 5));
    }
    let taken = |bucket: &Bucket| bucket.places.iter().filter(|p| p.read().is_some()).count();
    assert_eq!(taken(&buckets[0]) + taken(&buckets[1]), 1);
}

#[test]
fn who_touches_a_place_that_was_given_away_changes_nothing() {
    let buckets = [Bucket::default(), Bucket::default()];
    let both = [&buckets[0], &buckets[1]];
    let (old, new) = (
        Key::new(0, client(1), 1, SECRET),
        Key::new(0, client(2), 1, SECRET),
    );
    assert!(store(both, old, record(1, State::Opening, 5), 5));
    let (place, seen) = find(both, old).unwrap();
    assert!(place.remove(old, seen));
    assert!(store(both, new, record(2, State::Opening, 6), 6));
    assert!(!place.exchange(seen, seen.touched(State::Established, 7)));
    assert_eq!(find(both, new).unwrap().1.server(), 2);
}
