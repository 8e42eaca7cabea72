//! Which servers can be asked for virtual addresses.

use super::*;

fn servers(bench: &Bench) -> Vec<(String, Option<u32>)> {
    let servers = bench.control.through().servers.into_iter();
    servers
        .map(|(server, index)| (server.to_string(), index))
        .collect()
}

fn interfaces(bench: &Bench) -> Vec<String> {
    bench.control.through().interfaces.into_values().collect()
}

#[test]
fn a_neighbour_is_asked_by_the_interface_of_its_route() {
    let mut bench = Bench::new(&format!("{CONFIG}{SECOND_SERVER}"));
    assert_eq!(servers(&bench), [], "no route is known");
    bench.control.route(SERVER, Route::OnLink { ifindex: 3 });
    assert_eq!(servers(&bench), [("192.0.2.21".to_owned(), Some(3))]);
    assert_eq!(interfaces(&bench), ["eth0"]);
    assert_eq!(bench.control.through().checks, 2);
    for route in [
        Route::Local,
        Route::Via { gateway: OTHER },
        Route::None {
            reason: "unreachable".to_owned(),
        },
    ] {
        bench.control.route(SERVER, route);
        assert_eq!(servers(&bench), [("192.0.2.21".to_owned(), None)]);
        assert_eq!(interfaces(&bench), [""; 0]);
    }
}

#[test]
fn only_checks_that_go_through_need_programs() {
    for (check, wanted) in [
        ("type = \"tcp\", via = \"server\"", false),
        ("type = \"ping\"", false),
        ("type = \"tcp\", via = \"vip\"", true),
        (
            "type = \"all\", checks = [{ type = \"ping\" }, { type = \"tcp\" }]",
            true,
        ),
    ] {
        let mut bench = Bench::new(&CONFIG.replace("type = \"tcp\"", check));
        bench.control.route(SERVER, Route::OnLink { ifindex: 3 });
        assert_eq!(!interfaces(&bench).is_empty(), wanted, "{check}");
    }
}

#[test]
fn an_interface_that_a_check_names_counts_in_the_place_of_the_route() {
    let check = "type = \"tcp\", via = \"vip\", interface = \"eth1\"";
    let mut bench = Bench::new(&CONFIG.replace("type = \"tcp\"", check));
    bench.control.route(SERVER, Route::OnLink { ifindex: 3 });
    assert_eq!(interfaces(&bench), [""; 0], "it does not exist");
    let eth1 = Link {
        index: 4,
        name: "eth1".to_owned(),
        ..eth0()
    };
    bench.control.set_links(vec![eth0(), eth1.clone()]);
    assert_eq!(interfaces(&bench), ["eth1"]);
    let tunnel = Link { mac: None, ..eth1 };
    bench.control.set_links(vec![eth0(), tunnel]);
    assert_eq!(interfaces(&bench), [""; 0], "no Ethernet");
}

/// The director that leads would balance the probe.
#[test]
fn a_server_that_leads_is_asked_for_its_own_address() {
    let leader = IpAddr::from(Ipv4Addr::new(192, 0, 2, 2));
    let mut bench = Bench::new(&CONFIG.replace("192.0.2.21", "192.0.2.2"));
    bench.control.route(leader, Route::OnLink { ifindex: 3 });
    assert_eq!(servers(&bench), [("192.0.2.2".to_owned(), Some(3))]);
    bench.leader(Duration::ZERO);
    assert_eq!(servers(&bench), [("192.0.2.2".to_owned(), None)]);
}
