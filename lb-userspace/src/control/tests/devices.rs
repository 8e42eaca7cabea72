//! Devices with virtual MACs, and addresses that take nothing but their services.

use super::*;
use crate::control::devices::Step;
use crate::netlink::macvlan::{Device, Macvlan};

const VIRTUAL_MAC: Mac = Mac([0, 0, 0x5e, 0, 1, 51]);

fn with(lines: &str) -> Bench {
    Bench::new(&CONFIG.replace("virtual_router_id = 51", lines))
}

fn virtual_mac() -> Bench {
    with("virtual_router_id = 51\nvirtual_mac = \"vmac\"")
}

fn device() -> Device {
    Device {
        name: "vmac".to_owned(),
        parent: 3,
        parent_name: "eth0".to_owned(),
        mac: VIRTUAL_MAC,
    }
}

const OURS: Macvlan = Macvlan {
    parent: 3,
    ours: true,
    anonymous: false,
    up: true,
};

fn vmac(macvlan: Option<Macvlan>) -> Link {
    Link {
        index: 9,
        name: "vmac".to_owned(),
        mac: Some(VIRTUAL_MAC),
        macvlan,
        ..eth0()
    }
}

#[test]
fn a_device_is_made_finished_replaced_or_refused() {
    let steps = |link: Option<Link>| {
        let mut bench = virtual_mac();
        bench
            .control
            .set_links([Some(eth0()), link].into_iter().flatten().collect());
        bench.control.device_steps()
    };
    let remove = || Step::Remove {
        name: "vmac".to_owned(),
    };
    assert_eq!(steps(None), [Step::Make(device())]);
    assert_eq!(steps(Some(vmac(Some(OURS)))), []);
    let down = Macvlan { up: false, ..OURS };
    assert_eq!(steps(Some(vmac(Some(down)))), [Step::Finish(device())]);
    let moved = Macvlan { parent: 4, ..OURS };
    let again = [remove(), Step::Make(device())];
    assert_eq!(steps(Some(vmac(Some(moved)))), again);
    let other_mac = Link {
        mac: Some(OUR_MAC),
        ..vmac(Some(OURS))
    };
    assert_eq!(steps(Some(other_mac)), again);
    let unfinished = Macvlan {
        ours: false,
        anonymous: true,
        ..down
    };
    assert_eq!(
        steps(Some(vmac(Some(unfinished)))),
        [Step::Finish(device())]
    );
    let in_use = Macvlan {
        up: true,
        ..unfinished
    };
    for foreign in [vmac(None), vmac(Some(in_use))] {
        let steps = steps(Some(foreign));
        let [Step::Refuse { reason, .. }] = &steps[..] else {
            panic!("{steps:?}");
        };
        assert!(reason.contains("vmac"), "{reason}");
    }
}

#[test]
fn a_device_goes_with_its_configuration_and_waits_for_its_interface() {
    let mut bench = Bench::new(CONFIG);
    bench.control.set_links(vec![eth0(), vmac(Some(OURS))]);
    let name = "vmac".to_owned();
    assert_eq!(bench.control.device_steps(), [Step::Remove { name }]);
    let foreign = Macvlan {
        ours: false,
        ..OURS
    };
    bench.control.set_links(vec![eth0(), vmac(Some(foreign))]);
    assert_eq!(bench.control.device_steps(), []);

    let mut bench = virtual_mac();
    bench.control.set_links(Vec::new());
    assert_eq!(bench.control.device_steps(), []);
}

#[test]
fn addresses_are_on_the_device() {
    let mut bench = virtual_mac();
    bench.state(State::Master, Duration::ZERO);
    assert!(bench.control.addresses().is_empty(), "there is no device");
    bench.control.set_links(vec![eth0(), vmac(Some(OURS))]);
    assert_eq!(bench.control.addresses(), [(9, VIP)].into());
    let mut bench = virtual_mac();
    bench.control.set_links(vec![eth0(), vmac(Some(OURS))]);
    bench.control.inherit(&[(9, VIP)]);
    assert_eq!(bench.control.addresses(), [(9, VIP)].into());
}

#[test]
fn a_real_server_by_the_device_alone_is_an_error_with_a_way_out() {
    let mut bench = virtual_mac();
    bench.control.set_links(vec![eth0(), vmac(Some(OURS))]);
    bench.verdict(SERVER, Ok(()));
    bench.control.route(SERVER, Route::OnLink { ifindex: 9 });
    let ServerState::Unreachable { reason } = bench.server_state() else {
        panic!("{:?}", bench.server_state());
    };
    assert!(reason.contains("give eth0 an address"), "{reason}");
}

#[test]
fn the_program_is_told_of_the_virtual_router() {
    let of = |bench: &Bench| {
        let table = bench.control.table();
        let service = table.services.values().next().unwrap().clone();
        service.virtual_router.map(std::num::NonZeroU8::get)
    };
    assert_eq!(of(&virtual_mac()), Some(51));
    assert_eq!(of(&Bench::new(CONFIG)), None);
}

#[test]
fn an_address_that_came_back_is_announced_again() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    assert_eq!(bench.control.take_announcements(), ["VI"]);
    assert!(bench.control.take_announcements().is_empty());
    bench.control.announce_address(4, VIP);
    assert!(bench.control.take_announcements().is_empty());
    bench.control.announce_address(3, VIP);
    assert_eq!(bench.control.take_announcements(), ["VI"]);
    bench.state(State::Backup, Duration::from_secs(1));
    bench.control.announce_address(3, VIP);
    assert!(bench.control.take_announcements().is_empty());
}

#[test]
fn only_a_master_that_does_not_accept_closes_its_addresses() {
    let closed = |lines: &str, state| {
        let mut bench = with(lines);
        bench.state(state, Duration::ZERO);
        bench.control.closed()
    };
    let wanted = closed("virtual_router_id = 51\naccept = false", State::Master);
    assert_eq!(wanted.addresses, [VIP.address].into());
    let service = "192.0.2.10:80".parse().unwrap();
    assert_eq!(wanted.services, [(service, 6)].into());
    for (lines, state) in [
        ("virtual_router_id = 51\naccept = false", State::Backup),
        ("virtual_router_id = 51\naccept = true", State::Master),
        ("virtual_router_id = 51", State::Master),
    ] {
        let closed = closed(lines, state);
        assert!(closed.addresses.is_empty(), "{lines} {state}");
        assert!(closed.services.is_empty(), "{lines} {state}");
    }
}

#[test]
fn who_stopped_by_a_signal_serves_until_another_leads() {
    let mut bench = Bench::new(CONFIG);
    bench.state(State::Master, Duration::ZERO);
    // The protocol knows of the signal before control does.
    let event = vrrp::Event::State {
        instance: "VI".to_owned(),
        state: State::Initialize,
        priority: 100,
        cause: vrrp::Cause::Shutdown,
        at: bench.start,
    };
    bench.control.vrrp(&event, bench.start);
    assert_eq!(bench.serves(), (true, true));
    bench.leader(Duration::from_millis(1));
    assert!(!bench.serves().1);
}
