use std::time::{Duration, Instant};

use super::*;
use crate::dataplane::table::Mac;
use crate::vrrp;

fn texts(excerpt: &Excerpt) -> Vec<&str> {
    let entries = excerpt.entries.iter();
    entries.map(|entry| entry.event.text.as_str()).collect()
}

#[test]
fn those_after_a_number_are_given_and_the_lost_ones_counted() {
    let journal = Journal::default();
    let empty = journal.excerpt(None, 10);
    assert_eq!((empty.entries.len(), empty.missed, empty.last), (0, 0, 0));
    for number in 1..=3 {
        let sequence = journal.tell(Event::new(Kind::Order, format!("event {number}")));
        assert_eq!(sequence, number);
    }
    for (after, count, expected) in [
        (None, 10, &["event 1", "event 2", "event 3"][..]),
        (None, 2, &["event 2", "event 3"]),
        (None, 0, &[]),
        (Some(0), 10, &["event 1", "event 2", "event 3"]),
        (Some(2), 10, &["event 3"]),
        (Some(3), 10, &[]),
        // Of an earlier daemon.
        (Some(99), 10, &[]),
    ] {
        let excerpt = journal.excerpt(after, count);
        assert_eq!(texts(&excerpt), expected, "{after:?} {count}");
        assert_eq!((excerpt.missed, excerpt.last), (0, 3));
    }
    let room = u64::try_from(ROOM).unwrap();
    for number in 4..=room + 5 {
        journal.tell(Event::new(Kind::Order, format!("event {number}")));
    }
    let all = journal.excerpt(None, usize::MAX);
    assert_eq!((all.entries.len(), all.missed), (ROOM, 0));
    assert_eq!(all.entries[0].sequence, 6);
    for (after, missed, given) in [(0, 5, ROOM), (2, 3, ROOM), (5, 0, ROOM), (6, 0, ROOM - 1)] {
        let excerpt = journal.excerpt(Some(after), usize::MAX);
        assert_eq!((excerpt.missed, excerpt.entries.len()), (missed, given));
    }
}

#[test]
fn what_the_protocol_reports_is_told_in_words_and_in_fields() {
    let (at, instance) = (Instant::now(), || "VI".to_owned());
    let source = IpAddr::from([192, 0, 2, 3]);
    let address = IpAddr::from([192, 0, 2, 10]);
    let mac = Mac([2, 0, 0, 0, 0, 9]);
    let lasted = Duration::from_millis(1500);
    for (event, kind, text, fields) in [
        (
            vrrp::Event::State {
                instance: instance(),
                state: vrrp::State::Master,
                priority: 100,
                cause: vrrp::Cause::MasterSilent { leader: None },
                at,
            },
            "state",
            "VI is MASTER: no master was heard",
            "state=MASTER priority=100 cause=no master was heard",
        ),
        (
            vrrp::Event::Rival {
                instance: instance(),
                own: address,
                source,
                priority: 7,
                at,
            },
            "rival",
            "two masters of VI: 192.0.2.3 advertises with priority 7, and so do we, 192.0.2.10",
            "own=192.0.2.10 source=192.0.2.3 priority=7",
        ),
        (
            vrrp::Event::DuplicateGone {
                instance: instance(),
                address,
                mac,
                lasted,
                at,
            },
            "duplicate_gone",
            "02:00:00:00:00:09 does not answer for 192.0.2.10 of VI any more, after 1.5s",
            "address=192.0.2.10 mac=02:00:00:00:00:09 lasted_ms=1500",
        ),
        (
            vrrp::Event::Overslept { by: lasted, at },
            "overslept",
            "VRRP was scheduled 1.5s too late: it listens again before any takeover",
            "by_ms=1500",
        ),
    ] {
        let told = Event::from(&event);
        let shown: Vec<String> = told
            .fields
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        assert_eq!((told.kind.name(), told.text.as_str()), (kind, text));
        assert_eq!(shown.join(" "), fields);
        assert_eq!(told.instance.as_deref(), event.instance());
    }
}
