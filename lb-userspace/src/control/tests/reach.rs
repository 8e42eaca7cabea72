//! Which real servers are in the table, and how packets get to them.

use super::*;

#[test]
fn a_server_is_in_the_table_once_it_is_healthy_and_its_mac_is_known() {
    let mut bench = Bench::new(CONFIG);
    assert_eq!(bench.server_state(), ServerState::Checking);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(bench.server_state(), ServerState::Resolving);
    assert_eq!(bench.path(SERVER), None);
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(bench.path(SERVER), None);
    assert_eq!(bench.server_state().reason(), Some("refused".into()));
}

/// Until then the tables keep what they have of it: connections from before it was taken out.
#[test]
fn a_server_that_a_reload_brings_back_is_in_the_table_when_it_has_a_verdict() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    let without = CONFIG.replace(&SERVER.to_string(), "192.0.2.99");
    bench.control.configure(config(&without), bench.start);
    bench.control.configure(config(CONFIG), bench.start);
    assert_eq!(bench.server_state(), ServerState::Checking);
    let table = bench.control.table();
    let service = table.services.values().next().unwrap();
    assert!(!service.real_servers.contains_key(&SERVER));
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(bench.path(SERVER), None);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(bench.path(SERVER), link_path(SERVER_MAC));
}

#[test]
fn macs_are_followed_and_outlive_the_kernels_forgetting() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    let moved = Mac([2, 0, 0, 0, 0, 99]);
    bench.neighbour(Resolution::Known(moved));
    assert_eq!(bench.path(SERVER), link_path(moved));
    bench.neighbour(Resolution::Unknown);
    assert_eq!(bench.path(SERVER), link_path(moved));
    bench.neighbour(Resolution::Failed);
    assert_eq!(bench.path(SERVER), None);
    assert_eq!(bench.control.wanted_hosts()[&SERVER], Knowledge::Unknown);
}

#[test]
fn the_mac_of_a_server_that_fails_is_in_doubt() {
    let mut bench = Bench::new(CONFIG);
    let known = |bench: &Bench| bench.control.wanted_hosts()[&SERVER];
    assert_eq!(known(&bench), Knowledge::Unknown);
    bench.resolve(SERVER, SERVER_MAC);
    assert_eq!(known(&bench), Knowledge::Known);
    bench.verdict(SERVER, Err("no answer"));
    assert_eq!(known(&bench), Knowledge::Doubtful);
    bench.verdict(SERVER, Ok(()));
    assert_eq!(known(&bench), Knowledge::Known);
    bench.verdict(SERVER, Err("no answer"));
    bench.neighbour(Resolution::Fixed(SERVER_MAC));
    assert_eq!(known(&bench), Knowledge::Known);
}

#[test]
fn routes_that_direct_routing_cannot_use_are_explained() {
    let mut bench = Bench::new(CONFIG);
    bench.verdict(SERVER, Ok(()));
    let gateway = Ipv4Addr::new(192, 0, 2, 1).into();
    let reason = "Network is unreachable".to_owned();
    for (route, words) in [
        (Route::Via { gateway }, "behind router 192.0.2.1"),
        (
            Route::None { reason },
            "no route to it: Network is unreachable",
        ),
    ] {
        bench.control.route(SERVER, route);
        let state = bench.server_state();
        assert!(state.reason().unwrap().contains(words), "{state:?}");
        assert_eq!(state.name(), "unreachable");
    }
    bench.control.route(SERVER, Route::Local);
    assert_eq!(bench.path(SERVER), Some(Path::Local));
}

#[test]
fn a_server_on_an_interface_without_the_program_names_the_way_out() {
    let mut bench = Bench::new(CONFIG);
    let eth1 = Link {
        index: 4,
        name: "eth1".to_owned(),
        ..eth0()
    };
    bench.control.set_links(vec![eth0(), eth1]);
    bench.verdict(SERVER, Ok(()));
    bench.control.route(SERVER, Route::OnLink { ifindex: 4 });
    let state = bench.server_state();
    assert!(
        state
            .reason()
            .unwrap()
            .contains("add eth1 to [global] interfaces"),
        "{state:?}"
    );
}
