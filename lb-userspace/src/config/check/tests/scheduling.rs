//! How a service's clients are spread, and what needs IPVS for it. Snippets as in `service`.

use std::time::Duration;

use super::values::{read, service};
use super::{INSTANCE, Row, SERVICE, overlay, said};
use crate::config::*;

pub(super) const ROWS: &[Row] = &[
    (
        r#"scheduler = "WLC""#,
        r#"9:13 `scheduler` must be "mh", "sh", "rr", "wrr", "lc" or "wlc", not "WLC" | did you mean "wlc"?"#,
    ),
    (
        r#"scheduler_flags = "port""#,
        "9:19 `scheduler_flags` must be an array, not a string",
    ),
    (
        r#"scheduler_flags = ["ports", 1]"#,
        r#"9:20 an element of `scheduler_flags` must be "port" or "fallback", not "ports" | did you mean "port"?
9:29 an element of `scheduler_flags` must be a string, not an integer"#,
    ),
    (
        r#"scheduler_flags = ["port", "fallback", "port"]"#,
        "9:40 `scheduler_flags` has a flag twice | the other one is in line 9",
    ),
    (
        r#"scheduler = "wlc"
scheduler_flags = ["port"]"#,
        r#"10:19 scheduler "wlc" has no flags | remove them: "port" and "fallback" are for mh and sh"#,
    ),
    (
        r#"persistence = "1h""#,
        "9:15 `persistence` must be a table, not a string",
    ),
    (
        "persistence = {}",
        "9:15 `timeout` is missing in `persistence` | add `timeout = …`",
    ),
    (
        r#"persistence = { timeout = "0s", granularity = 33, netmask = 24 }"#,
        "9:27 `timeout` must be from 1s to 1d, not 0s
9:47 `granularity` must be from 1 to 32, not 33
9:51 unknown key `netmask` in `persistence` | the keys here are timeout, granularity",
    ),
    (
        r#"persistence = { timeout = "25h", granularity = 0 }"#,
        "9:27 `timeout` must be from 1s to 1d, not 25h
9:48 `granularity` must be from 1 to 32, not 0",
    ),
    (
        r#"persistence = { timeout = "1500ms" }"#,
        r#"9:27 `timeout` must be whole seconds | IPVS counts seconds: write "1s" or "2s""#,
    ),
    // What XDP alone does not do.
    (
        r#"protocol = "sctp"
scheduler = "rr"
persistence = { timeout = "1h" }
[global]
dataplane = "xdp""#,
        r#"9:12 `protocol` = "sctp" needs IPVS in this version of lvx, but `dataplane` is "xdp" | write `dataplane = "auto"` in [global]; XDP will do it later
10:13 `scheduler` = "rr" needs IPVS in this version of lvx, but `dataplane` is "xdp" | write `dataplane = "auto"` in [global]; XDP will do it later
11:15 `persistence` needs IPVS in this version of lvx, but `dataplane` is "xdp" | write `dataplane = "auto"` in [global]; XDP will do it later"#,
    ),
    (
        r#"scheduler_flags = ["fallback"]
[global]
dataplane = "xdp-native""#,
        r#"9:19 `scheduler_flags` needs IPVS in this version of lvx, but `dataplane` is "xdp-native" | write `dataplane = "auto"` in [global]; XDP will do it later"#,
    ),
    (
        r#"scheduler = "sh"
[global]
dataplane = "xdp-generic""#,
        r#"9:13 `scheduler` = "sh" needs IPVS in this version of lvx, but `dataplane` is "xdp-generic" | write `dataplane = "auto"` in [global]; XDP will do it later"#,
    ),
    (
        r#"scheduler = "rr"
[global]
dataplane = "xpd""#,
        r#"11:13 `dataplane` must be "auto", "xdp", "xdp-native", "xdp-generic" or "ipvs", not "xpd" | did you mean "xdp"?"#,
    ),
];

const ALL: [Scheduler; 6] = [
    Scheduler::Mh,
    Scheduler::Sh,
    Scheduler::Rr,
    Scheduler::Wrr,
    Scheduler::Lc,
    Scheduler::Wlc,
];

#[test]
fn every_scheduler_has_its_name() {
    for scheduler in ALL {
        let name = scheduler.name();
        assert_eq!(
            service(&format!("scheduler = {name:?}")).scheduler,
            scheduler
        );
    }
}

#[test]
fn every_plane_has_its_name() {
    use PlaneChoice::{Auto, Ipvs, Xdp, XdpGeneric, XdpNative};
    for plane in [Auto, Xdp, XdpNative, XdpGeneric, Ipvs] {
        let text = format!("[global]\ndataplane = {:?}\n", plane.name());
        assert_eq!(read(&text).global.dataplane, plane);
    }
}

#[test]
fn every_protocol_has_its_name_and_number() {
    let numbers = [
        (Protocol::Tcp, 6),
        (Protocol::Udp, 17),
        (Protocol::Sctp, 132),
    ];
    for (protocol, number) in numbers {
        let snippet = format!(
            "protocol = {:?}\ncheck = {{ type = \"tcp\" }}",
            protocol.name()
        );
        assert_eq!(service(&snippet).protocol, protocol);
        assert_eq!(protocol.number(), number);
    }
}

#[test]
fn flags_and_persistence() {
    let plain = service("scheduler_flags = []");
    assert_eq!(plain.flags, SchedulerFlags::default());
    assert_eq!(plain.persistence, None);
    let both = service("scheduler = \"sh\"\nscheduler_flags = [\"fallback\", \"port\"]");
    let expected = SchedulerFlags {
        port: true,
        fallback: true,
    };
    assert_eq!(both.flags, expected);
    let one = service("scheduler_flags = [\"port\"]");
    assert!(one.flags.port && !one.flags.fallback);
    let day = service("persistence = { timeout = \"24h\" }");
    let expected = Persistence {
        timeout: Duration::from_secs(86_400),
        granularity: 32,
    };
    assert_eq!(day.persistence, Some(expected));
    let network = service("persistence = { timeout = \"1000ms\", granularity = 24 }");
    let expected = Persistence {
        timeout: Duration::from_secs(1),
        granularity: 24,
    };
    assert_eq!(network.persistence, Some(expected));
}

#[test]
fn the_sync_daemon() {
    let global = read("[global]\nsync = { interface = \"eth0\", id = 0 }\n").global;
    let expected = Sync {
        interface: "eth0".to_owned(),
        id: 0,
    };
    assert_eq!(global.sync, Some(expected));
}

/// Its table is the only one that has slots.
#[test]
fn only_mh_limits_the_number_of_servers() {
    let servers: String = (0..252)
        .map(|i| format!("[[service.real_server]]\naddress = \"10.0.0.{i}\"\n"))
        .collect();
    let file = |scheduler: &str| {
        let service = overlay(SERVICE, &format!("scheduler = {scheduler:?}"));
        format!("{INSTANCE}[global]\ntable_size = 251\n{service}{servers}")
    };
    assert!(said(&file("mh")).contains("more real servers than the 251 slots"));
    assert_eq!(said(&file("rr")), "");
}
