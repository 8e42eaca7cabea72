use super::*;
use crate::config;

const VRRP: &str = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                    addresses = [\"192.0.2.10\"]\n";

/// A service with these lines in its block.
fn service(lines: &str) -> Service {
    let text = format!("{VRRP}[[service]]\nname = \"web\"\naddress = \"192.0.2.10:80\"\n{lines}\n");
    let config = config::parse(std::path::Path::new("test.toml"), &text).unwrap();
    config.services.into_iter().next().unwrap()
}

fn xdp_missing() -> XdpState {
    let reason = "eth0: the driver does not support it".to_owned();
    XdpState::Missing { reason }
}

fn ipvs_missing() -> IpvsState {
    let reason = "this kernel has no IPVS".to_owned();
    IpvsState::Missing { reason }
}

fn planes(choice: PlaneChoice, xdp: XdpState, ipvs: IpvsState) -> Planes {
    Planes {
        choice,
        by_hand: None,
        xdp,
        ipvs,
    }
}

fn partial() -> XdpState {
    let missing = "eth1: the driver does not support it".to_owned();
    XdpState::Partial { missing }
}

#[test]
fn the_ladder_takes_what_there_is_and_says_why() {
    use IpvsState::Ready;
    use XdpState::{Attached, Untried};
    let auto = PlaneChoice::Auto;
    for (planes, plane, words) in [
        (planes(auto, Attached, Ready), Some(Plane::Xdp), ""),
        (planes(auto, Attached, ipvs_missing()), Some(Plane::Xdp), ""),
        (planes(auto, Untried, ipvs_missing()), Some(Plane::Xdp), ""),
        (
            planes(auto, xdp_missing(), Ready),
            Some(Plane::Ipvs),
            "the driver does not support it",
        ),
        (
            planes(auto, xdp_missing(), ipvs_missing()),
            None,
            "IPVS: this kernel has no IPVS",
        ),
        (planes(auto, partial(), Ready), Some(Plane::Ipvs), "eth1"),
        (
            planes(auto, partial(), ipvs_missing()),
            Some(Plane::Xdp),
            "eth1",
        ),
        (
            planes(PlaneChoice::Xdp, xdp_missing(), Ready),
            None,
            "the configuration allows XDP only",
        ),
        (
            planes(PlaneChoice::Ipvs, Attached, Ready),
            Some(Plane::Ipvs),
            "dataplane = \"ipvs\"",
        ),
        (
            planes(PlaneChoice::Ipvs, Attached, ipvs_missing()),
            None,
            "this kernel has no IPVS",
        ),
    ] {
        let got = planes.assign(&service(""));
        assert_eq!(got.plane, plane, "{planes:?}");
        assert!(got.reason.contains(words), "{planes:?}: {}", got.reason);
        assert_eq!(planes.without_service(), got);
    }
}

/// A service with this many real servers.
fn crowd(scheduler: &str, servers: u32) -> Service {
    let servers: String = (0..servers)
        .map(|i| {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + i);
            format!("[[service.real_server]]\naddress = \"{address}\"\n")
        })
        .collect();
    service(&format!("scheduler = {scheduler:?}\n{servers}"))
}

#[test]
fn what_the_program_cannot_do_is_for_ipvs() {
    let both = planes(PlaneChoice::Auto, XdpState::Attached, IpvsState::Ready);
    for scheduler in ["lc", "wlc"] {
        let got = both.assign(&crowd(scheduler, 257));
        assert_eq!(got.plane, Some(Plane::Ipvs), "{scheduler}");
        let words = format!("scheduler {scheduler} chooses among 256 real servers");
        assert!(got.reason.contains(&words), "{}", got.reason);
        // Half of the interfaces do not help a service that the program cannot do at all.
        let without = planes(PlaneChoice::Auto, partial(), ipvs_missing());
        assert_eq!(without.assign(&crowd(scheduler, 257)).plane, None);
        assert_eq!(both.assign(&crowd(scheduler, 256)).plane, Some(Plane::Xdp));
    }
}

#[test]
fn the_program_does_all_the_rest() {
    let both = planes(PlaneChoice::Auto, XdpState::Attached, IpvsState::Ready);
    for lines in [
        "scheduler = \"sh\"",
        "scheduler = \"rr\"",
        "scheduler = \"wrr\"",
        "scheduler_flags = [\"port\", \"fallback\"]",
        "protocol = \"sctp\"",
        "persistence = { timeout = \"1h\", granularity = 24 }",
    ] {
        assert_eq!(
            both.assign(&service(lines)).plane,
            Some(Plane::Xdp),
            "{lines}"
        );
    }
    assert_eq!(both.assign(&crowd("rr", 257)).plane, Some(Plane::Xdp));
}

#[test]
fn ipvs_takes_all_ports_only_with_persistence() {
    let only_ipvs = planes(PlaneChoice::Auto, xdp_missing(), IpvsState::Ready);
    let text = format!("{VRRP}[[service]]\nname = \"all\"\naddress = \"192.0.2.10:0\"\n");
    let read = |text: &str| {
        let config = config::parse(std::path::Path::new("test.toml"), text).unwrap();
        only_ipvs.assign(&config.services[0])
    };
    let got = read(&text);
    assert_eq!(got.plane, None);
    assert!(got.reason.contains("all ports"), "{}", got.reason);
    let persistent = format!("{text}persistence = {{ timeout = \"1h\" }}\n");
    assert_eq!(read(&persistent).plane, Some(Plane::Ipvs));
}

#[test]
fn the_operators_hand_is_over_the_configuration() {
    let mut both = planes(PlaneChoice::Auto, XdpState::Attached, IpvsState::Ready);
    assert!(both.wants_ipvs());
    both.by_hand = Some(Override::Ipvs);
    let got = both.assign(&service(""));
    assert_eq!(
        (got.plane, got.reason.as_str()),
        (Some(Plane::Ipvs), "switched to IPVS by hand")
    );
    both.by_hand = Some(Override::Xdp);
    assert_eq!(both.assign(&service("")).plane, Some(Plane::Xdp));
    assert!(!both.wants_ipvs());
    assert_eq!(both.assign(&crowd("lc", 257)).plane, None);
}
