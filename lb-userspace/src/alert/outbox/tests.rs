//! The outbox on a virtual clock.

use std::time::SystemTime;

use proptest::prelude::*;

use super::*;
use crate::config::Rate;
use crate::events::{Event, Kind};

const SECOND: Duration = Duration::from_secs(1);

fn outbox(group: u64, rate: Option<(u32, u64)>) -> Outbox {
    let pace = Pace {
        group: SECOND * u32::try_from(group).unwrap(),
        rate: rate.map(|(count, per)| Rate {
            count,
            per: Duration::from_secs(per),
        }),
    };
    Outbox::new(pace, "p".to_owned(), 7)
}

fn event(number: u64) -> (Arc<Entry>, News) {
    let entry = Entry {
        sequence: number,
        at: SystemTime::UNIX_EPOCH + Duration::from_secs(number),
        event: Event::new(Kind::Order, format!("event {number}")),
    };
    let news = News {
        subject: None,
        from: None,
    };
    (Arc::new(entry), news)
}

fn take(outbox: &mut Outbox, number: u64, now: Instant) {
    let (entry, news) = event(number);
    outbox.take(entry, news, now);
}

fn later(after: Option<u64>) -> Outcome {
    Outcome::Later {
        why: "no".to_owned(),
        after: after.map(Duration::from_secs),
    }
}

#[test]
fn events_of_one_group_are_one_message() {
    let start = Instant::now();
    let mut outbox = outbox(10, None);
    assert_eq!(outbox.wake(), None);
    take(&mut outbox, 1, start);
    assert_eq!(outbox.wake(), Some(start + 10 * SECOND));
    take(&mut outbox, 2, start + 9 * SECOND);
    assert_eq!(outbox.poll(start + 9 * SECOND), None);
    let message = outbox.poll(start + 10 * SECOND).unwrap();
    assert_eq!((message.digest.events(), message.id.as_str()), (2, "p.1"));
    // One at a time is under way.
    take(&mut outbox, 3, start + 11 * SECOND);
    assert_eq!(outbox.poll(start + 30 * SECOND), None);
    assert_eq!(outbox.done(Outcome::Sent, start + 30 * SECOND), None);
    let message = outbox.poll(start + 30 * SECOND).unwrap();
    assert_eq!((message.digest.events(), message.id.as_str()), (1, "p.2"));
}

#[test]
fn beyond_the_rate_events_are_collected() {
    let start = Instant::now();
    let mut outbox = outbox(0, Some((2, 60)));
    for number in 1..=5 {
        let now = start + SECOND * u32::try_from(number).unwrap();
        take(&mut outbox, number, now);
        if let Some(message) = outbox.poll(now) {
            assert_eq!(message.digest.events(), 1);
            assert_eq!(outbox.done(Outcome::Sent, now), None);
        }
    }
    assert_eq!((outbox.counts().sent, outbox.queued()), (2, 1));
    // The first one was at 1 s.
    assert_eq!(outbox.wake(), Some(start + 61 * SECOND));
    assert_eq!(outbox.poll(start + 60 * SECOND), None);
    let message = outbox.poll(start + 61 * SECOND).unwrap();
    assert_eq!(message.digest.events(), 3);
}

#[test]
fn a_failure_is_told_once_and_tried_again_with_the_same_id() {
    let mut now = Instant::now();
    let mut outbox = outbox(0, None);
    take(&mut outbox, 1, now);
    let first = outbox.poll(now).unwrap();
    let turn = Turn::Failing {
        why: "no".to_owned(),
        retried: true,
    };
    assert_eq!(outbox.done(later(None), now), Some(turn));
    for _ in 0..20 {
        assert_eq!(outbox.poll(now), None);
        let wake = outbox.wake().unwrap();
        assert!(wake > now && wake <= now + 300 * SECOND);
        now = wake;
        assert_eq!(outbox.poll(now).as_ref(), Some(&first));
        assert_eq!(outbox.done(later(None), now), None);
    }
    now = outbox.wake().unwrap();
    assert_eq!(outbox.poll(now), Some(first));
    let turn = Turn::Recovered { lost: 0 };
    assert_eq!(outbox.done(Outcome::Sent, now), Some(turn));
    assert_eq!(outbox.queued(), 0);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let now = Instant::now();
    let mut outbox = outbox(0, None);
    take(&mut outbox, 1, now);
    outbox.poll(now).unwrap();
    outbox.done(later(Some(45)), now);
    assert_eq!(outbox.wake(), Some(now + 45 * SECOND));
}

#[test]
fn what_is_refused_or_too_old_is_counted_and_the_next_one_says_so() {
    let start = Instant::now();
    let mut outbox = outbox(0, None);
    take(&mut outbox, 1, start);
    take(&mut outbox, 2, start);
    outbox.poll(start).unwrap();
    let why = || "never".to_owned();
    let refused = outbox.done(Outcome::Never { why: why() }, start);
    assert_eq!(
        refused,
        Some(Turn::Failing {
            why: why(),
            retried: false
        })
    );
    take(&mut outbox, 3, start);
    let message = outbox.poll(start).unwrap();
    assert_eq!(message.dropped, 2);
    let day = start + Duration::from_secs(24 * 60 * 60);
    outbox.done(later(None), day);
    assert_eq!((outbox.counts().failed, outbox.queued()), (2, 0));
    take(&mut outbox, 4, day);
    let message = outbox.poll(day).unwrap();
    assert_eq!(message.dropped, 3);
    let turn = outbox.done(Outcome::Sent, day);
    assert_eq!(turn, Some(Turn::Recovered { lost: 1 }));
    take(&mut outbox, 5, day);
    assert_eq!(outbox.poll(day).unwrap().dropped, 0);
}

#[test]
fn the_queue_is_bounded_and_its_oldest_gives_way() {
    let start = Instant::now();
    let mut outbox = outbox(0, None);
    let room = u64::try_from(ROOM).unwrap();
    for number in 1..=room + 5 {
        take(&mut outbox, number, start);
        // The first one is under way all the time.
        let message = outbox.poll(start);
        assert_eq!(message.is_some(), number == 1);
    }
    assert_eq!((outbox.queued(), outbox.counts().dropped), (room, 5));
    outbox.done(Outcome::Sent, start);
    let next = outbox.poll(start).unwrap();
    assert_eq!(
        (next.dropped, next.digest.latest().unwrap().entry.sequence),
        (5, 7)
    );
}

#[test]
fn at_the_end_nothing_waits_for_its_time() {
    let start = Instant::now();
    let mut outbox = outbox(3600, Some((1, 3600)));
    take(&mut outbox, 1, start);
    outbox.close(start);
    assert!(outbox.poll(start).is_some());
    outbox.done(Outcome::Sent, start);
    take(&mut outbox, 2, start);
    assert!(outbox.poll(start).is_some(), "beyond the rate");
    outbox.done(later(None), start);
    assert_eq!(outbox.abandon(start), (1, 1));
    assert_eq!((outbox.queued(), outbox.counts().dropped), (0, 1));
}

#[derive(Debug, Clone)]
enum Step {
    Event,
    Lose(u64),
    Wait(u64),
    Wake,
    End(Outcome),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Event),
        1 => (1..5_u64).prop_map(Step::Lose),
        4 => (0..2000_u64).prop_map(Step::Wait),
        3 => Just(Step::Wake),
        4 => Just(Step::End(Outcome::Sent)),
        2 => Just(Step::End(later(None))),
        1 => Just(Step::End(Outcome::Never { why: String::new() })),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// Never more messages than the rate, and every event is accounted for: in a message that was
    /// sent, in one that waits, or in a number that a message tells or will tell.
    #[test]
    fn nothing_is_lost_silently(
        steps in steps(),
        group in 0..20_u64,
        rate in prop::option::of((1..5_u32, 1..3000_u64)),
    ) {
        let mut outbox = outbox(group, rate);
        let mut now = Instant::now();
        let (mut taken, mut sent, mut told) = (0, 0, 0);
        let mut under_way: Option<Message> = None;
        let mut begun: Vec<(Instant, String)> = Vec::new();
        for step in steps {
            match step {
                Step::Event => {
                    taken += 1;
                    take(&mut outbox, taken, now);
                }
                Step::Lose(events) => {
                    taken += events;
                    outbox.lose(events);
                }
                Step::Wait(seconds) => now += Duration::from_secs(seconds),
                Step::Wake => now = outbox.wake().map_or(now, |at| at.max(now)),
                Step::End(outcome) => {
                    if let Some(message) = under_way.take() {
                        if outcome == Outcome::Sent {
                            sent += message.digest.events();
                            told += message.dropped;
                        }
                        outbox.done(outcome, now);
                    }
                }
            }
            if let Some(message) = outbox.poll(now) {
                prop_assert!(under_way.is_none());
                if begun.iter().all(|(_, id)| *id != message.id) {
                    begun.push((now, message.id.clone()));
                }
                under_way = Some(message);
            }
            let of_messages: u64 = outbox.waiting.iter().map(|one| {
                one.message.digest.events() + one.message.dropped
            }).sum();
            let of_group = outbox.group.as_ref().map_or(0, |group| group.digest.events());
            let held = of_messages + of_group + outbox.untold;
            prop_assert_eq!(sent + told + held, taken);
            prop_assert!(outbox.waiting.len() <= ROOM);
            if let Some((count, per)) = rate {
                let per = Duration::from_secs(per);
                let within = begun.iter().filter(|(at, _)| *at + per > now).count();
                prop_assert!(within <= count as usize);
            }
            // It does not wake for nothing, and not sleep for ever on what it has.
            prop_assert!(outbox.wake().is_none_or(|at| at > now));
            let idle = outbox.queued() == 0 || under_way.is_some();
            prop_assert!(idle || outbox.wake().is_some());
        }
    }
}
