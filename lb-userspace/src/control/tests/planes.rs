//! Which data plane serves.

use super::*;

fn ready(bench: &mut Bench) {
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
}

#[test]
fn ipvs_holds_what_is_served_and_nothing_else() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    bench.control.planes_mut().xdp = XdpState::Attached;
    bench.state(State::Master, Duration::ZERO);
    assert!(bench.control.ipvs_table().services.is_empty());
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    let table = bench.control.ipvs_table();
    let service = table.services.values().next().unwrap();
    assert_eq!(service.scheduler, "mh");
    assert_eq!(service.destinations[&SERVER].weight, 1);
    bench.verdict(SERVER, Err("refused"));
    let table = bench.control.ipvs_table();
    assert!(
        table
            .services
            .values()
            .all(|service| service.destinations.is_empty())
    );
    bench.state(State::Backup, Duration::ZERO);
    bench.control.expire(bench.start + instance::FADE);
    assert!(bench.control.ipvs_table().services.is_empty());
}

#[test]
fn a_service_on_ipvs_is_passed_by_the_program() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    bench.state(State::Master, Duration::ZERO);
    bench.control.planes_mut().xdp = XdpState::Attached;
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    assert_eq!(bench.serves(), (true, true));
    bench.control.planes_mut().by_hand = Some(Override::Ipvs);
    assert_eq!(bench.serves(), (false, true));
    assert_eq!(bench.control.ipvs_table().services.len(), 1);
}

#[test]
fn without_any_plane_mastership_is_refused_until_there_is_one() {
    let mut bench = Bench::new(CONFIG);
    ready(&mut bench);
    let now = bench.start;
    let reason = "no driver".to_owned();
    bench.control.planes_mut().xdp = XdpState::Missing { reason };
    assert!(bench.control.waits_for_plane(now));
    assert!(bench.control.take_ready(now).is_empty());
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    assert_eq!(bench.control.take_ready(now), ["VI"]);
    assert!(bench.control.take_unfit().is_empty());
    let reason = "unloaded".to_owned();
    bench.control.planes_mut().ipvs = IpvsState::Missing { reason };
    assert_eq!(bench.control.take_unfit(), ["VI"]);
    assert!(bench.control.take_unfit().is_empty());
    bench.control.planes_mut().xdp = XdpState::Attached;
    assert_eq!(bench.control.take_ready(now), ["VI"]);
}

#[test]
fn an_instance_without_services_needs_no_plane() {
    let only_vrrp = CONFIG.split("[[service]]").next().unwrap();
    let mut bench = Bench::new(only_vrrp);
    let reason = "no driver".to_owned();
    bench.control.planes_mut().xdp = XdpState::Missing { reason };
    assert_eq!(bench.control.take_ready(bench.start), ["VI"]);
}
