//! When an instance takes part, and what a reload keeps.

use super::*;

#[test]
fn an_instance_takes_part_when_its_servers_are_known() {
    let mut bench = Bench::new(CONFIG);
    let now = bench.start;
    assert!(bench.control.take_ready(now).is_empty());
    bench.verdict(SERVER, Ok(()));
    assert!(bench.control.take_ready(now).is_empty());
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(bench.control.take_ready(now), ["VI"]);
    assert!(bench.control.take_ready(now).is_empty());
}

#[test]
fn a_server_that_stays_unknown_delays_an_instance_only_so_long() {
    let mut bench = Bench::new(CONFIG);
    let limit = bench.start + READY_LIMIT;
    assert_eq!(bench.control.next_timeout(bench.start), Some(limit));
    assert_eq!(bench.control.next_timeout(limit), None);
    assert_eq!(bench.control.take_ready(limit), ["VI"]);
    assert_eq!(bench.control.next_timeout(bench.start), None);
}

#[test]
fn a_reload_keeps_what_is_known_of_what_stays() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    bench.state(State::Master, Duration::ZERO);
    let more = format!("{CONFIG}{SECOND_SERVER}");
    bench.control.configure(config(&more), bench.start);
    assert_eq!(bench.serves(), (true, true));
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
    assert_eq!(bench.path(OTHER), None);
    // What is said of a server that is configured away is not kept for its return.
    bench.verdict(OTHER, Ok(()));
    bench.control.configure(config(CONFIG), bench.start);
    bench.verdict(OTHER, Ok(()));
    bench.control.configure(config(&more), bench.start);
    bench.resolve(OTHER, SERVER_MAC);
    assert_eq!(bench.path(OTHER), None);
}

#[test]
fn a_master_takes_over_the_addresses_of_a_reload_and_announces_them() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    bench.control.take_announcements();
    bench.control.configure(config(CONFIG), bench.start);
    assert!(bench.control.take_announcements().is_empty());
    let moved = CONFIG.replace("192.0.2.10", "192.0.2.11");
    bench.control.configure(config(&moved), bench.start);
    let addresses: Vec<_> = bench.control.addresses().into_iter().collect();
    assert_eq!(addresses.len(), 1);
    assert_eq!(addresses[0].1.address, Ipv4Addr::new(192, 0, 2, 11));
    assert_eq!(bench.control.take_announcements(), ["VI"]);
}
