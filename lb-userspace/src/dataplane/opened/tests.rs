use lb_common::opened::Flow;

use super::*;

fn at(milliseconds: u64) -> Moment {
    Moment::from_nanoseconds(milliseconds * 1_000_000)
}

fn sample(server: u32, opened: u64) -> Sample {
    let tag = Flow::new([0, 1], 40_000).with_service(1);
    Sample::new(server, tag, at(opened))
}

fn place(word: u64) -> Place {
    let place = Place::default();
    place.word.store(word);
    place
}

/// Words: what is in the place, when it is looked at, what is told, what is in it then.
#[test]
fn a_look_tells_each_sample_once() {
    let new = sample(7, 1000);
    let told = |seen| vec![(7, seen)];
    for (words, word, now, expected, left) in [
        ("free", 0, 5000, vec![], 0),
        ("opened just now", new.word(), 1900, vec![], new.word()),
        (
            "nothing for a second",
            new.word(),
            2010,
            told(Seen::Unanswered),
            new.counted().word(),
        ),
        (
            "told already",
            new.counted().word(),
            9000,
            vec![],
            new.counted().word(),
        ),
        ("told long ago", new.counted().word(), 11_010, vec![], 0),
        (
            "answered",
            new.followed().word(),
            1001,
            told(Seen::Answered),
            0,
        ),
        (
            "answered in time, looked at late",
            new.followed().word(),
            60_000,
            told(Seen::Answered),
            0,
        ),
        (
            "answered after it was told",
            new.counted().followed().word(),
            3000,
            told(Seen::Late),
            0,
        ),
        (
            "the clock was read before",
            new.word(),
            900,
            vec![],
            new.word(),
        ),
    ] {
        let places = [place(word)];
        assert_eq!(look(&places, at(now)), expected, "{words}");
        assert_eq!(places[0].word.load(), left, "{words}");
    }
}

#[test]
fn samples_of_a_server_that_is_gone_are_forgotten() {
    let places = [1, 2, 3].map(|server| place(sample(server, 1000).word()));
    forget(&places, &[1, 3]);
    let left = places.map(|place| place.word.load() != 0);
    assert_eq!(left, [false, true, false]);
}

const TICK: Duration = Duration::from_millis(500);

fn opened(sampled: u32, unanswered: u32) -> Opened {
    Opened {
        sampled,
        unanswered,
    }
}

#[test]
fn a_window_forgets_what_is_older_than_itself() {
    let start = Instant::now();
    let mut window = Window::default();
    window.count(Seen::Unanswered, start);
    window.count(Seen::Answered, start + Duration::from_secs(4));
    let after = |seconds| window.opened(start + Duration::from_secs(seconds));
    assert_eq!(after(9), opened(2, 1));
    assert_eq!(after(10), opened(1, 0));
    assert_eq!(after(14), opened(0, 0));
}

#[test]
fn a_window_does_not_grow_with_what_it_counts() {
    let start = Instant::now();
    let mut window = Window::default();
    for milliseconds in 0..60_000 {
        window.count(Seen::Answered, start + Duration::from_millis(milliseconds));
    }
    assert!(window.0.len() <= 41, "{}", window.0.len());
    let sum = window.opened(start + Duration::from_secs(60));
    assert!((9700..=10_000).contains(&sum.sampled), "{sum:?}");
}

#[test]
fn a_late_answer_takes_back_what_was_told() {
    let start = Instant::now();
    let mut window = Window::default();
    window.count(Seen::Unanswered, start);
    window.count(Seen::Unanswered, start + TICK);
    window.count(Seen::Late, start + 2 * TICK);
    assert_eq!(window.opened(start + 2 * TICK), opened(2, 1));
    let alone = &mut Window::default();
    alone.count(Seen::Late, start);
    assert_eq!(alone.opened(start), opened(1, 0));
}

/// A look every half second: what it sees, whether the server is asked then.
#[test]
fn a_server_is_asked_when_several_syns_are_unanswered_and_none_was_answered_since() {
    use Seen::{Answered, Unanswered};
    let key = (ServiceKey::default(), "192.0.2.21".parse().unwrap());
    for (words, looks) in [
        (
            "three unanswered",
            vec![(vec![Unanswered; 2], false), (vec![Unanswered], true)],
        ),
        (
            "no more than three",
            vec![(vec![Unanswered; 3], true), (vec![], false)],
        ),
        (
            "one of them goes on",
            vec![
                (vec![Unanswered; 3], true),
                (vec![Unanswered], true),
                (vec![Unanswered], true),
            ],
        ),
        (
            "others are answered",
            vec![
                (vec![Unanswered; 3], true),
                (vec![Answered, Unanswered], false),
                (vec![Unanswered], false),
                (vec![Unanswered], true),
            ],
        ),
        ("only answers", vec![(vec![Answered; 100], false)]),
    ] {
        let start = Instant::now();
        let mut windows = Windows::default();
        for (number, (seen, asked)) in looks.into_iter().enumerate() {
            let seen: Vec<_> = seen.into_iter().map(|seen| (key, seen)).collect();
            let found = windows.observe(&seen, start + TICK * number as u32);
            assert_eq!(!found.is_empty(), asked, "{words}, look {number}");
        }
    }
}

#[test]
fn servers_are_told_apart_and_forgotten() {
    let server = |last: u8| (ServiceKey::default(), IpAddr::from([192, 0, 2, last]));
    let start = Instant::now();
    let mut windows = Windows::default();
    let seen = [
        (server(1), Seen::Unanswered),
        (server(1), Seen::Unanswered),
        (server(1), Seen::Unanswered),
        (server(2), Seen::Unanswered),
        (server(2), Seen::Answered),
    ];
    let asked = windows.observe(&seen, start);
    assert_eq!(asked, [(server(1), opened(3, 3))]);
    assert_eq!(windows.opened(&server(2), start), Some(opened(2, 1)));
    assert_eq!(windows.opened(&server(3), start), None);
    windows.observe(&[], start + WINDOW);
    assert!(windows.0.is_empty());
}

#[test]
fn a_share_is_never_rounded_to_nothing() {
    assert_eq!(opened(0, 0).share(), 0);
    assert_eq!(opened(1000, 1).share(), 1);
    assert_eq!(opened(3, 2).share(), 66);
    assert_eq!(opened(3, 3).share(), 100);
}
