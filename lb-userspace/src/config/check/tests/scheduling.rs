//! How a service's clients are spread, and who can do it. Snippets as in `service`.

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
        r#"9:27 `timeout` must be whole seconds | write "1s" or "2s""#,
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

fn with_servers(count: u32, scheduler: &str, global: &str) -> String {
    let servers: String = (0..count)
        .map(|i| {
            let [_, _, c, d] = i.to_be_bytes();
            format!("[[service.real_server]]\naddress = \"10.0.{c}.{d}\"\n")
        })
        .collect();
    let service = overlay(SERVICE, &format!("scheduler = {scheduler:?}"));
    format!("{INSTANCE}[global]\n{global}\n{service}{servers}")
}

#[test]
fn servers_need_slots_in_the_table() {
    let words = "more real servers than the 251 slots";
    for scheduler in ALL {
        let file = |plane: &str| {
            let global = format!("table_size = 251\ndataplane = {plane:?}");
            with_servers(252, scheduler.name(), &global)
        };
        let in_xdp = scheduler != Scheduler::Sh;
        let in_ipvs = scheduler == Scheduler::Mh;
        assert_eq!(said(&file("auto")).contains(words), in_xdp, "{scheduler:?}");
        assert_eq!(
            said(&file("ipvs")).contains(words),
            in_ipvs,
            "{scheduler:?}"
        );
    }
}

#[test]
fn xdp_alone_compares_the_connections_of_256_servers() {
    let expected = r#"524:1 more than 256 real servers with scheduler "lc" need IPVS, but `dataplane` is "xdp" | write `dataplane = "auto"` in [global], or use another scheduler"#;
    let xdp = r#"dataplane = "xdp""#;
    assert_eq!(said(&with_servers(257, "lc", xdp)), expected);
    for (count, scheduler, global) in [
        (256, "lc", xdp),
        (257, "rr", xdp),
        (257, "wlc", r#"dataplane = "auto""#),
        (257, "wlc", r#"dataplane = "ipvs""#),
    ] {
        let file = with_servers(count, scheduler, global);
        assert_eq!(said(&file), "", "{count} {scheduler} {global}");
    }
}

#[test]
fn xdp_alone_does_every_scheduler() {
    for scheduler in ALL {
        let file = with_servers(2, scheduler.name(), r#"dataplane = "xdp""#);
        assert_eq!(said(&file), "");
    }
    let rest = "protocol = \"sctp\"\nscheduler_flags = [\"port\"]\n\
                persistence = { timeout = \"1h\" }\n[global]\ndataplane = \"xdp\"";
    assert_eq!(service(rest).protocol, Protocol::Sctp);
}
