use super::*;
use crate::netlink::Vlan;

const VLAN_MAC: Mac = Mac([2, 0, 0, 0, 1, 0]);

fn vlan(index: u32, name: &str, parent: u32, id: u16) -> Link {
    Link {
        index,
        name: name.to_owned(),
        mac: Some(VLAN_MAC),
        vlan: Some(Vlan { parent, id }),
        ..eth0()
    }
}

fn eth1() -> Link {
    Link {
        index: 4,
        name: "eth1".to_owned(),
        ..eth0()
    }
}

/// A healthy server on the interface with this index.
fn bench(links: Vec<Link>, text: &str, ifindex: u32) -> Bench {
    let mut bench = Bench::new(text);
    bench.control.set_links(links);
    bench.verdict(SERVER, Ok(()));
    bench.control.route(SERVER, Route::OnLink { ifindex });
    bench.control.neighbour(&Neighbour {
        ifindex,
        address: SERVER,
        state: Resolution::Known(SERVER_MAC),
    });
    bench
}

#[test]
fn a_server_on_a_vlan_is_reached_through_the_interface_below() {
    let cases = [
        (vec![eth0(), vlan(10, "eth0.100", 3, 100)], [100, 0]),
        (
            vec![
                eth0(),
                vlan(9, "eth0.7", 3, 7),
                vlan(10, "eth0.7.100", 9, 100),
            ],
            [7, 100],
        ),
    ];
    for (links, vlans) in cases {
        let bench = bench(links, CONFIG, 10);
        let expected = Path::Link {
            mac: SERVER_MAC,
            source_mac: VLAN_MAC,
            ifindex: 3,
            vlans,
        };
        assert_eq!(bench.path(SERVER), Some(expected));
    }
}

#[test]
fn three_tags_are_more_than_the_program_can_write() {
    let links = vec![
        eth0(),
        vlan(8, "a", 3, 1),
        vlan(9, "b", 8, 2),
        vlan(10, "c", 9, 3),
    ];
    let state = bench(links, CONFIG, 10).server_state();
    let reason = state.reason().unwrap();
    assert!(
        reason.contains("c, whose frames have more than two"),
        "{reason}"
    );
}

#[test]
fn a_vlan_on_an_interface_without_the_program_names_that() {
    let links = vec![eth0(), eth1(), vlan(10, "eth1.100", 4, 100)];
    let state = bench(links, CONFIG, 10).server_state();
    let reason = state.reason().unwrap();
    assert!(reason.contains("on interface eth1.100"), "{reason}");
    assert!(reason.contains("add eth1 to [global]"), "{reason}");
}

#[test]
fn an_instance_on_a_vlan_has_the_program_below_and_its_addresses_on_it() {
    let text = CONFIG.replace("\"eth0\"", "\"eth0.100\"");
    let links = vec![eth0(), vlan(10, "eth0.100", 3, 100)];
    let mut bench = bench(links, &text, 10);
    assert_eq!(bench.control.missing_interface(), None);
    let interfaces: Vec<_> = bench.control.interfaces().into_iter().collect();
    assert_eq!(interfaces, ["eth0"]);
    let table = bench.control.table();
    assert_eq!(table.interfaces.get(&3), Some(&OUR_MAC));
    assert_eq!(table.interfaces.len(), 1);
    bench.state(State::Master, Duration::ZERO);
    assert!(bench.control.addresses().contains(&(10, VIP)));
    // The VLAN device is what must exist.
    bench.control.set_links(vec![eth0()]);
    assert_eq!(bench.control.missing_interface(), Some("eth0.100"));
}

#[test]
fn an_interface_whose_parent_is_not_known_stands_for_itself() {
    let text = CONFIG.replace("\"eth0\"", "\"eth0.100\"");
    let bench = bench(vec![vlan(10, "eth0.100", 3, 100)], &text, 10);
    let interfaces: Vec<_> = bench.control.interfaces().into_iter().collect();
    assert_eq!(interfaces, ["eth0.100"]);
}

/// The kernel allows none; a mistake in what is read shall not hang the director.
#[test]
fn a_circle_of_interfaces_ends() {
    let links = vec![eth0(), vlan(9, "a", 10, 1), vlan(10, "b", 9, 2)];
    assert_eq!(
        bench(links, CONFIG, 10).server_state().name(),
        "unreachable"
    );
}
