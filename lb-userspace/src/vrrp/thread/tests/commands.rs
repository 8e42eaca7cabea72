//! What the daemon commands: resign, tracking, groups, stop; and a thread that was not scheduled.

use std::num::NonZeroU8;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::lab::{Director, INTERFACE, Lab, UNPROTECTED, can_run, instance};
use super::{FIRST, SECOND, eventually};
use crate::config::{Instance, InterfaceAddress, Realtime};
use crate::vrrp::{Command, Event, Standing, State};

/// The first host leads with priority 150, the second follows with 100.
fn pair(lab: &Lab) -> (Director, Director) {
    let (first, second) = (lab.director(0), lab.director(1));
    first.lead(&instance("VI", 150));
    second.configure(&[instance("VI", 100)]);
    second.start("VI");
    assert_eq!(second.until_leader(), (FIRST.into(), 150));
    (first, second)
}

fn stand(director: &Director, fault: Option<&str>, adjustment: i16) {
    director.handle.send(Command::Stand {
        instance: "VI".to_owned(),
        standing: Standing {
            fault: fault.map(str::to_owned),
            adjustment,
        },
    });
}

#[test]
fn resigns_until_claimed() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let (first, second) = pair(&lab);
    let instance = || "VI".to_owned();
    first.handle.send(Command::Resign {
        instance: instance(),
    });
    let (cause, _) = first.until(State::Backup);
    assert_eq!(cause, "gave way by hand");
    second.until(State::Master);
    // Although its priority is higher.
    assert_eq!(first.until_leader(), (SECOND.into(), 100));
    let received = first.statistics().received;
    eventually(|| first.statistics().received > received + 4);
    assert_eq!(first.statistics().became_master, 1);
    first.handle.send(Command::Claim {
        instance: instance(),
    });
    first.until(State::Master);
}

#[test]
fn tracking_moves_the_priority_or_forces_a_fault() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let (first, second) = pair(&lab);
    stand(&first, None, -100);
    let (_, priority, _) = first.until_of("VI", State::Backup);
    assert_eq!(priority, 50);
    second.until(State::Master);
    stand(&first, Some("script gateway: exit status 1"), 0);
    let (cause, _) = first.until(State::Fault);
    assert_eq!(cause, "script gateway: exit status 1");
    stand(&first, None, 0);
    let (_, priority, _) = first.until_of("VI", State::Master);
    assert_eq!(priority, 150);
}

#[test]
fn a_group_moves_together() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    lab.cable("wire2", "02:00:00:00:01", "198.51.100");
    // What can be cut without the other end losing its carrier, as behind a switch.
    lab.ip(0, "address flush dev wire2");
    lab.ip(0, "link add port2 link wire2 type macvlan mode bridge");
    lab.ip(0, "address add 198.51.100.1/24 dev port2");
    lab.ip(0, "link set port2 up");
    let member = |name: &str, interface: &str, network: [u8; 3], priority| Instance {
        interface: interface.to_owned(),
        addresses: vec![InterfaceAddress {
            address: [network[0], network[1], network[2], 10].into(),
            prefix_len: 24,
        }],
        ..instance(name, priority)
    };
    let group = |priority, interface| {
        [
            member("A", INTERFACE, [192, 0, 2], priority),
            member("B", interface, [198, 51, 100], priority),
        ]
    };
    let (first, second) = (lab.director(0), lab.director(1));
    first.configure_group(&group(150, "port2"), "G");
    first.start("A");
    first.start("B");
    first.until_of("B", State::Master);
    second.configure_group(&group(100, "wire2"), "G");
    second.start("A");
    second.start("B");
    second.until_of("B", State::Backup);
    lab.ip(0, "link set port2 down");
    // The member on the other link gives up, too, and says so.
    let (cause, _, _) = first.until_of("A", State::Fault);
    assert_eq!(cause, "sync group G follows B");
    let mut led = [second.until(State::Master), second.until(State::Master)];
    led.sort();
    assert_eq!(led[0].0, "192.0.2.1 gave up (priority 0)");
}

#[test]
fn a_stop_is_on_the_wire_within_five_milliseconds() {
    const STOPS: usize = 9;
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let wire = lab.sniffer(1);
    let config = instance("VI", 255);
    let realtime = Realtime {
        priority: NonZeroU8::new(10),
        ..UNPROTECTED
    };
    let director = lab.director_with(0, realtime, |_| ());
    director.configure(std::slice::from_ref(&config));
    let mut took: Vec<_> = (0..STOPS)
        .map(|_| {
            director.start("VI");
            director.until(State::Master);
            let begun = Instant::now();
            director.handle.send(Command::Shutdown);
            while wire.next_advertisement(&config, FIRST).priority != 0 {}
            begun.elapsed()
        })
        .collect();
    took.sort();
    eprintln!("{:?}: {took:?}", director.handle.realtime());
    assert!(took[STOPS / 2] < Duration::from_millis(5), "{took:?}");
}

#[test]
fn a_leader_wakes_up_for_its_advertisements_and_little_else() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let (first, _second) = pair(&lab);
    let (sent, beat) = (first.statistics().sent, first.handle.beat());
    eventually(|| first.statistics().sent >= sent + 10);
    let rounds = first.handle.beat() - beat;
    // Besides, an interface or two may change, and are looked at once a second.
    assert!(rounds < 40, "{rounds} rounds for 10 advertisements");
}

#[test]
fn what_arrived_meanwhile_is_read_before_a_late_timer_runs() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let first = lab.director(0);
    first.lead(&instance("VI", 150));
    // Holds the thread up in the midst of a command, as a host does that does not schedule it.
    let (asleep, is_asleep) = mpsc::channel();
    let (wake, woken) = mpsc::channel::<()>();
    let hold = move |event: &Event| {
        if event.instance() == Some("bed") && matches!(event, Event::State { .. }) {
            asleep.send(()).unwrap();
            woken.recv().unwrap();
        }
    };
    let second = lab.director_with(1, UNPROTECTED, hold);
    let bed = Instance {
        interface: "nowhere".to_owned(),
        ..instance("bed", 100)
    };
    second.configure(&[instance("VI", 100), bed]);
    second.start("VI");
    assert_eq!(second.until_leader(), (FIRST.into(), 150));
    second.start("bed");
    is_asleep.recv().unwrap();
    // Longer than its master-down time of 361 ms.
    let sent = first.statistics().sent;
    eventually(|| first.statistics().sent > sent + 6);
    wake.send(()).unwrap();
    let counters = || second.handle.statistics().swap_remove(0);
    let received = counters().received;
    eventually(|| counters().received > received + 8);
    assert_eq!(counters().became_master, 0);
    // Not even that: its machine, which is careful by itself, never saw the timer expire.
    assert_eq!(second.handle.oversleeps(), 0);
    let late = second.handle.lateness();
    assert_eq!(second.handle.take_lateness(), late);
}
