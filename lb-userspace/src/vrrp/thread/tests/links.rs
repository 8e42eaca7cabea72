//! Interfaces that fail and return.

use std::time::{Duration, Instant};

use super::lab::{Director, INTERFACE, Lab, can_run, instance};
use super::{FIRST, State};
use crate::config::Instance;
use crate::vrrp::Event;

const LEADER: u8 = 150;

fn leading(lab: &Lab) -> Director {
    let director = lab.director(0);
    director.lead(&instance("VI", LEADER));
    director
}

/// Waits for FAULT; returns how long after `since` it came.
fn fault_after(director: &Director, since: Instant) -> Duration {
    let (cause, at) = director.until(State::Fault);
    assert_eq!(cause, "the interface is not usable");
    at.saturating_duration_since(since)
}

#[test]
fn link_down_is_a_fault_at_once() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let director = leading(&lab);
    lab.ip(0, &format!("link set {INTERFACE} down"));
    let took = fault_after(&director, Instant::now());
    eprintln!("link down: FAULT after {took:?}");
    assert!(took < Duration::from_millis(100), "{took:?}");
    lab.ip(0, &format!("link set {INTERFACE} up"));
    director.until(State::Backup);
    director.until(State::Master);
}

#[test]
fn lost_carrier_is_a_fault() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let director = leading(&lab);
    lab.ip(1, &format!("link set {INTERFACE} down"));
    let took = fault_after(&director, Instant::now());
    // The kernel tells of carriers once a second at most, whosever they are.
    eprintln!("carrier lost: FAULT after {took:?}");
    assert!(took < Duration::from_millis(2500), "{took:?}");
    lab.ip(1, &format!("link set {INTERFACE} up"));
    director.until(State::Master);
}

#[test]
fn another_interface_of_the_same_name_is_picked_up() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let director = leading(&lab);
    lab.disconnect();
    director.until(State::Fault);
    // Takes the index that was freed.
    lab.cable("other", "02:00:00:00:01", "198.51.100");
    lab.connect();
    director.until(State::Master);
    let sent = director.statistics().sent;
    super::eventually(|| director.statistics().sent > sent + 1);
    assert_eq!(director.statistics().send_errors, 0);
    while wire
        .next_advertisement(&instance("VI", LEADER), FIRST)
        .priority
        == 0
    {}
}

#[test]
fn startup_delay_counts_from_the_start_and_from_the_return_of_the_link() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let delay = Duration::from_millis(300);
    let director = lab.director(0);
    director.configure(&[Instance {
        startup_delay: delay,
        ..instance("VI", LEADER)
    }]);
    let started = Instant::now();
    director.start("VI");
    let waits = |event| {
        if let Event::Failed { error, .. } = event {
            Some(error)
        } else {
            None
        }
    };
    let reason = director.find(waits);
    assert_eq!(reason, "waits for `startup_delay`, 300ms");
    let (_, at) = director.until(State::Backup);
    assert!(at - started >= delay, "{:?}", at - started);
    lab.ip(0, &format!("link set {INTERFACE} down"));
    director.until(State::Fault);
    let returned = Instant::now();
    lab.ip(0, &format!("link set {INTERFACE} up"));
    let (_, at) = director.until(State::Backup);
    assert!(at - returned >= delay, "{:?}", at - returned);
}
