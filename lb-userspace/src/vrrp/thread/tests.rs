use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use super::*;
use crate::config::{Auth, ChecksumForm, InterfaceAddress, Version};
use crate::vrrp::State;
use crate::vrrp::frame::arp;
use lab::{Lab, PATIENCE, Seen, VIP, can_run, instance};

mod commands;
mod duplicates;
mod families;
mod lab;
mod links;
mod many;

const FIRST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const FIRST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

#[test]
fn elects_announces_and_takes_over() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let (first, second) = (lab.director(0), lab.director(1));
    let (high, low) = (instance("VI", 150), instance("VI", 100));
    first.configure(std::slice::from_ref(&high));
    second.configure(std::slice::from_ref(&low));
    first.start("VI");
    first.until(State::Backup);
    let (cause, _) = first.until(State::Master);
    assert_eq!(cause, "no master was heard");
    // Only now: with a difference of 20 ms in skew time, a busy machine might elect the other.
    second.start("VI");
    second.until(State::Backup);
    assert_eq!(second.until_leader(), (FIRST.into(), 150));

    // Nothing is announced before the word is given, however long it is master.
    for _ in 0..3 {
        let Seen::Advertisement(source, advertisement) = wire.next(&high) else {
            panic!("announced unasked");
        };
        assert_eq!((source, advertisement.priority), (FIRST, 150));
        assert_eq!(advertisement.addresses, [VIP]);
    }
    first.announce("VI");
    second.announce("VI");
    let mut announced = 0;
    while announced < 3 {
        if let Seen::Arp(frame) = wire.next(&high) {
            assert_eq!(frame, arp::gratuitous(FIRST_MAC, VIP));
            announced += 1;
        }
    }

    // A clean stop: priority 0, and the other leads after its skew time of 61 ms.
    let stopped = Instant::now();
    first.handle.send(Command::Shutdown);
    let (cause, at) = second.until(State::Master);
    assert_eq!(cause, "192.0.2.1 gave up (priority 0)");
    let gap = at - stopped;
    eprintln!("clean stop: the other is master after {gap:?}");
    assert!(
        gap < Duration::from_millis(300),
        "no better than a death: {gap:?}"
    );
    while wire.next_advertisement(&high, FIRST).priority != 0 {}
    assert_eq!(wire.next_advertisement(&high, SECOND).priority, 100);
    first.until(State::Initialize);
    assert_eq!(first.until_leader(), (SECOND.into(), 100));

    // It returns and preempts.
    first.start("VI");
    let (cause, _) = first.until(State::Master);
    assert_eq!(cause, "192.0.2.2 has a lower priority (100): preempted");
    let (cause, _) = second.until(State::Backup);
    assert_eq!(cause, "192.0.2.1 has a higher priority (150)");
    assert_eq!(second.until_leader(), (FIRST.into(), 150));

    // It dies without a word: three intervals and the skew time from its last advertisement.
    let died = Instant::now();
    first.handle.send(Command::Exit);
    let (cause, at) = second.until(State::Master);
    assert_eq!(cause, "master 192.0.2.1 is not heard any more");
    let gap = at - died;
    eprintln!("silent death: the other is master after {gap:?}");
    assert!(gap < Duration::from_secs(1), "{gap:?}");

    let statistics = second.handle.statistics();
    let [statistics] = &statistics[..] else {
        panic!("one instance: {statistics:?}");
    };
    assert!(
        statistics.sent > 0 && statistics.announced == 0,
        "{statistics:?}"
    );
    // Of the leader that it found, of its end, and of its return.
    assert!(statistics.received >= 3, "{statistics:?}");
    assert_eq!(statistics.received, statistics.received_rfc5798);
    assert!(
        statistics.errors.iter().all(|(_, count)| *count == 0),
        "{statistics:?}"
    );
}

#[test]
fn waits_for_its_interface() {
    if !can_run() {
        return;
    }
    let lab = Lab::new();
    let director = lab.director(0);
    director.configure(&[instance("VI", 100)]);
    director.start("VI");
    let failed = |error: &str| Event::Failed {
        instance: "VI".to_owned(),
        error: error.to_owned(),
    };
    let missing = failed("there is no interface wire");
    let (cause, _) = director.until(State::Fault);
    assert_eq!(cause, "the interface is not usable");
    assert_eq!(director.next_event(), missing);
    // The next events are how it comes up: what fails is said once.
    lab.connect();
    loop {
        let event = director.next_event();
        assert_ne!(event, missing);
        if let Event::State { state, .. } = event {
            assert_eq!(state, State::Backup);
            break;
        }
    }
    director.until(State::Master);
    lab.disconnect();
    let (cause, _) = director.until(State::Fault);
    assert_eq!(cause, "the interface is not usable");
    while director.next_event() != missing {}
}

#[test]
fn reload_keeps_mastership_and_removal_gives_it_up() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let director = lab.director(0);
    let mut config = instance("VI", 255);
    director.configure(std::slice::from_ref(&config));
    director.start("VI");
    director.until(State::Master);
    assert_eq!(wire.next_advertisement(&config, FIRST).priority, 255);

    // Nearly everything changes: a master stays one, and says so at once.
    config.addresses.push(InterfaceAddress {
        address: Ipv4Addr::new(192, 0, 2, 11).into(),
        prefix_len: 24,
    });
    config.garp.count = 1;
    config.priority = NonZeroU8::new(90).unwrap();
    config.advert_interval = Duration::from_secs(40);
    config.checksum = ChecksumForm::Rfc9568;
    director.configure(std::slice::from_ref(&config));
    let advertisement = loop {
        let advertisement = wire.next_advertisement(&config, FIRST);
        if advertisement.priority != 255 {
            break advertisement;
        }
    };
    assert_eq!(advertisement.priority, 90);
    assert_eq!(advertisement.addresses.len(), 2);
    assert_eq!(advertisement.interval, Duration::from_secs(40));

    director.configure(&[]);
    assert_eq!(wire.next_advertisement(&config, FIRST).priority, 0);
    // The very next event: the reload was none.
    let Event::State { state, cause, .. } = director.next_event() else {
        panic!("a change of state");
    };
    assert_eq!(
        (state, &cause.to_string()[..]),
        (State::Initialize, "removed from the configuration")
    );
    eventually(|| director.handle.statistics().is_empty());
}

#[test]
fn instances_on_one_interface_are_told_apart() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let (first, second) = (lab.director(0), lab.director(1));
    let other = |name, priority, id| {
        let mut config = instance(name, priority);
        config.virtual_router_id = NonZeroU8::new(id).unwrap();
        config
    };
    let old = |priority, password| {
        let mut config = other("old", priority, 53);
        config.version = Version::V2;
        config.advert_interval = Duration::from_secs(1);
        config.auth = Auth::Pass(password);
        config
    };
    first.configure(&[
        other("A", 150, 51),
        other("B", 100, 52),
        old(255, *b"one\0\0\0\0\0"),
    ]);
    second.configure(&[other("A", 100, 51), old(150, *b"two\0\0\0\0\0")]);
    for name in ["A", "B", "old"] {
        first.start(name);
    }
    second.start("A");
    second.start("old");

    eventually(|| {
        let statistics = second.handle.statistics();
        let [a, old] = &statistics[..] else {
            return false;
        };
        assert_eq!(old.received, 0);
        a.received > 0 && a.interface_unknown_vrid > 0 && old.errors.contains(&("auth_data", 1))
    });
}

/// Waits until `condition` holds.
fn eventually(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}
