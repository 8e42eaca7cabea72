use super::*;
use crate::config::{self, SchedulerFlags};

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

#[test]
fn what_the_program_cannot_do_is_for_ipvs() {
    let both = planes(PlaneChoice::Auto, XdpState::Attached, IpvsState::Ready);
    for (lines, words) in [
        ("scheduler = \"rr\"", "scheduler rr"),
        ("scheduler = \"wlc\"", "scheduler wlc"),
        ("scheduler_flags = [\"port\"]", "scheduler flags"),
        ("protocol = \"sctp\"", "SCTP"),
        ("persistence = { timeout = \"1h\" }", "persistence"),
    ] {
        let got = both.assign(&service(lines));
        assert_eq!(got.plane, Some(Plane::Ipvs), "{lines}");
        assert!(got.reason.contains(words), "{lines}: {}", got.reason);
        // Half of the interfaces do not help a service that the program cannot do at all.
        let without = planes(PlaneChoice::Auto, partial(), ipvs_missing());
        assert_eq!(without.assign(&service(lines)).plane, None, "{lines}");
    }
    assert_eq!(service("").flags, SchedulerFlags::default());
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
    assert_eq!(both.assign(&service("scheduler = \"rr\"")).plane, None);
}
