use crate::layout::v4_words;

use super::*;

fn client(last: u8) -> [u64; 2] {
    v4_words(u32::from_ne_bytes([198, 51, 100, last]))
}

fn tag(port: u16) -> Tag {
    Flow::new(client(1), port).with_service(7)
}

fn at(milliseconds: u64) -> Moment {
    Moment::from_nanoseconds(milliseconds * 1_000_000)
}

#[test]
fn one_of_as_many_connections_is_sampled_as_is_wanted() {
    for sample in [1, 2, 64, 1024, MAX_SAMPLE] {
        let sampled = |step: usize| {
            let ports = (0..=u16::MAX).step_by(step);
            ports.filter(|port| is_sampled(*port, mask(sample))).count()
        };
        assert_eq!(sampled(1), (1 << 16) / sample as usize);
        // Linux gives out every other port first.
        assert_eq!(sampled(2), (1 << 15) / sample as usize);
    }
    assert!((0..=u16::MAX).all(|port| !is_sampled(port, mask(0)) || port == 0));
}

#[test]
fn sampled_connections_spread_over_the_places() {
    let mut used = std::collections::BTreeSet::new();
    let ports = (0..=u16::MAX).filter(|port| is_sampled(*port, mask(64)));
    let sampled: Vec<Flow> = ports.map(|port| Flow::new(client(1), port)).collect();
    used.extend(sampled.iter().map(|flow| flow.with_service(7).place()));
    // Thrown at random, 1024 would meet in some 115 places.
    assert!(sampled.len() - used.len() < 180, "{}", used.len());
}

#[test]
fn a_connection_with_another_service_is_another() {
    let flow = Flow::new(client(1), 40_000);
    assert_ne!(flow.with_service(7), flow.with_service(8));
}

#[test]
fn a_sample_tells_its_parts() {
    let sample = Sample::new(16_383, tag(1), at(5000));
    assert_eq!(sample.server(), 16_383);
    assert!(!sample.is_followed() && !sample.is_counted());
    assert!(sample.followed().is_followed() && sample.counted().is_counted());
    assert_eq!(sample.followed().counted().server(), 16_383);
    assert!((1999..=2001).contains(&at(7000).since(sample.opened())));
    assert_eq!(at(4000).since(sample.opened()), 0);
}

#[test]
fn time_goes_on_when_its_word_is_full() {
    let full = 1u64 << 52;
    let before = Moment::from_nanoseconds(full - 1_000_000_000);
    let after = Moment::from_nanoseconds(full + 1_000_000_000);
    assert!((1999..=2001).contains(&after.since(before)));
    assert_eq!(before.since(after), 0);
}

/// Words: what lies in the place, whether a SYN takes it.
#[test]
fn a_syn_takes_a_place_where_nothing_is_to_be_counted() {
    let own = Sample::new(3, tag(1), at(1000));
    let other = Sample::new(3, tag(2), at(1000));
    let elsewhere = Sample::new(4, tag(1), at(1000));
    for (words, word, taken) in [
        ("free", 0, true),
        ("its own, sent again", own.word(), false),
        ("its own, sent again late", own.counted().word(), false),
        ("its own, answered", own.followed().word(), false),
        ("another's", other.word(), false),
        ("another's, answered", other.followed().word(), false),
        ("another's, counted", other.counted().word(), true),
        (
            "another's, answered late",
            other.counted().followed().word(),
            false,
        ),
        (
            "its own to a server that did not answer",
            elsewhere.counted().word(),
            true,
        ),
    ] {
        assert_eq!(takes(word, 3, tag(1)), taken, "{words}");
    }
}

#[test]
fn a_packet_follows_the_syn_of_its_own_connection_once() {
    let own = Sample::new(3, tag(1), at(1000));
    assert_eq!(follow(own.word(), tag(1)), Some(own.followed()));
    let late = own.counted();
    assert_eq!(follow(late.word(), tag(1)), Some(late.followed()));
    assert_eq!(follow(own.followed().word(), tag(1)), None);
    assert_eq!(follow(own.word(), tag(2)), None);
    assert_eq!(follow(0, tag(1)), None);
}
