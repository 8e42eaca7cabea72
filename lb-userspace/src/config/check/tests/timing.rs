//! Times of a service. Snippets as in `service`.

use std::time::Duration;

use super::values::{read, service};
use super::{INSTANCE, Row, SERVICE, said};
use crate::config::*;

pub(super) const ROWS: &[Row] = &[
    (
        r#"timeouts = "1m""#,
        "9:12 `timeouts` must be a table, not a string",
    ),
    (
        r#"timeouts = { opening = "0s", established = "25h", closing = "19h", idle = "1m" }"#,
        "9:24 `opening` must be from 1s to 18h, not 0s
9:44 `established` must be from 1s to 1d, not 25h
9:61 `closing` must be from 1s to 18h, not 19h
9:68 unknown key `idle` in `timeouts` | the keys here are opening, established, closing",
    ),
    (
        r#"timeouts = { established = "1.5s" }"#,
        r#"9:28 `established` must be whole seconds | write "1s" or "2s""#,
    ),
    (
        r#"protocol = "udp"
timeouts = { opening = "1s", closing = "1s" }"#,
        "10:24 a UDP service has no `opening` timeout | remove it: UDP has no beginning and no end, `established` counts alone
10:40 a UDP service has no `closing` timeout | remove it: UDP has no beginning and no end, `established` counts alone",
    ),
    (
        r#"affinity = "client""#,
        r#"9:12 `affinity` = "client" is for UDP, not "tcp" | remove it: connections keep their server anyway"#,
    ),
    (
        r#"protocol = "sctp"
affinity = "client""#,
        r#"10:12 `affinity` = "client" is for UDP, not "sctp" | remove it: connections keep their server anyway"#,
    ),
    (
        r#"affinity = "clients""#,
        r#"9:12 `affinity` must be "none" or "client", not "clients" | did you mean "client"?"#,
    ),
    (
        r#"drain_deadline = "31d""#,
        "9:18 `drain_deadline` must be from 1s to 30d, not 31d",
    ),
    (
        r#"drain_deadline = 60"#,
        r#"9:18 `drain_deadline` has no unit | write it as a string with a unit, like "500ms" or "2s""#,
    ),
];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn timeouts_are_those_of_ipvs_unless_they_are_given() {
    let timeouts = |snippet| service(snippet).timeouts;
    assert_eq!(timeouts(""), Timeouts::TCP);
    assert_eq!(timeouts(r#"protocol = "sctp""#), Timeouts::TCP);
    assert_eq!(timeouts(r#"protocol = "udp""#), Timeouts::UDP);
    assert_eq!(timeouts("timeouts = {}"), Timeouts::TCP);
    let expected = Timeouts {
        opening: seconds(64_800),
        established: seconds(86_400),
        closing: seconds(1),
    };
    let all = r#"timeouts = { opening = "18h", established = "1d", closing = "1s" }"#;
    assert_eq!(timeouts(all), expected);
    let udp = "protocol = \"udp\"\ntimeouts = { established = \"1d\" }";
    assert_eq!(timeouts(udp).established, seconds(86_400));
}

/// The program's and ours are the same.
#[test]
fn the_defaults_are_the_programs() {
    use lb_common::rule;
    for (ours, programs) in [
        (Timeouts::TCP, rule::Timeouts::TCP),
        (Timeouts::UDP, rule::Timeouts::UDP),
    ] {
        assert_eq!(ours.opening, seconds(programs.opening.into()));
        assert_eq!(ours.established, seconds(programs.established.into()));
        assert_eq!(ours.closing, seconds(programs.closing.into()));
    }
}

#[test]
fn affinity_and_deadline() {
    let plain = service("protocol = \"udp\"\naffinity = \"none\"");
    assert_eq!(plain.affinity, Affinity::None);
    assert_eq!(plain.drain_deadline, None);
    let both = service("protocol = \"udp\"\naffinity = \"client\"\ndrain_deadline = \"30d\"");
    assert_eq!(both.affinity, Affinity::Client);
    assert_eq!(both.drain_deadline, Some(seconds(30 * 86_400)));
}

#[test]
fn deadlines_on_the_command_line() {
    assert_eq!(drain_deadline("10m"), Ok(seconds(600)));
    assert_eq!(drain_deadline("30d"), Ok(seconds(30 * 86_400)));
    for (text, words) in [
        ("10", "it has no unit"),
        ("soon", "it is not a number and a unit"),
        ("1500ms", "whole seconds"),
        ("0s", "from 1s to 30d"),
        ("31d", "from 1s to 30d"),
    ] {
        let error = drain_deadline(text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn all_ports() {
    let all = |server: &str| {
        let text = format!("{INSTANCE}{SERVICE}[[service.real_server]]\naddress = {server:?}\n");
        text.replace("10:80", "10:0")
    };
    assert_eq!(read(&all("192.0.2.21")).services[0].address.port(), 0);
    let expected = "10:11 real server 192.0.2.21 has port 80, but the service takes all ports | \
                    leave the port out: a packet keeps its own";
    assert_eq!(said(&all("192.0.2.21:80")), expected);
    let persistent = "address = \"192.0.2.10:0\"\npersistence = { timeout = \"1h\" }\n\
                      [global]\ndataplane = \"ipvs\"";
    assert_eq!(service(persistent).address.port(), 0);
}

#[test]
fn a_check_probes_the_services_port_or_its_own() {
    let port = |snippet| service(snippet).check.unwrap().probe.port;
    assert_eq!(port("check = { type = \"tcp\" }"), 80);
    assert_eq!(port("check = { type = \"tcp\", port = 8080 }"), 8080);
    let all = "address = \"192.0.2.10:0\"\ncheck = { type = \"tcp\", port = 22 }";
    assert_eq!(port(all), 22);
}

#[test]
fn rooms_and_levels() {
    let global = |text: &str| read(&format!("[global]\n{text}\n")).global;
    let expected = Maps {
        exceptions: 1 << 24,
        flows: 1 << 10,
        ..Maps::default()
    };
    let maps = global("maps = { exceptions = 16777216, flows = 1024 }").maps;
    assert_eq!(maps, expected);
    assert_eq!(Maps::default().persistence, 262_144);
    use ProgramLog::{Debug, Error, Info, Off, Warn};
    for level in [Off, Error, Warn, Info, Debug] {
        let line = format!("program_log = {:?}", level.name());
        assert_eq!(global(&line).program_log, level);
    }
}
