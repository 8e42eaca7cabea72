use lb_common::rule;

use super::*;
use crate::dataplane::table::{Method, Persistence, Service};

/// The table's service, for these lines in its block.
fn wanted(lines: &str) -> Service {
    let text = CONFIG.replace("check = ", &format!("{lines}\ncheck = "));
    let bench = Bench::new(&text);
    let table = bench.control.table();
    assert_eq!(table.services.len(), 1, "{lines}");
    table.services.into_values().next().unwrap()
}

#[test]
fn every_scheduler_is_the_programs() {
    let port = true;
    for (lines, method) in [
        ("", Method::Mh { port: false }),
        ("scheduler_flags = [\"port\"]", Method::Mh { port }),
        (
            "scheduler_flags = [\"fallback\"]",
            Method::Mh { port: false },
        ),
        ("scheduler = \"sh\"", Method::Sh { port: false }),
        (
            "scheduler = \"sh\"\nscheduler_flags = [\"port\"]",
            Method::Sh { port },
        ),
        ("scheduler = \"rr\"", Method::Rr),
        ("scheduler = \"wrr\"", Method::Wrr),
        ("scheduler = \"lc\"", Method::Lc),
        ("scheduler = \"wlc\"", Method::Wlc),
    ] {
        assert_eq!(wanted(lines).method, method, "{lines}");
    }
}

#[test]
fn times_are_seconds() {
    let plain = wanted("");
    assert_eq!(plain.timeouts, rule::Timeouts::TCP);
    assert_eq!((plain.persistence, plain.affinity), (None, false));
    assert_eq!(plain.settling, 900);
    let udp = wanted("protocol = \"udp\"\naffinity = \"client\"");
    assert_eq!((udp.timeouts, udp.affinity), (rule::Timeouts::UDP, true));
    assert_eq!(udp.settling, 300);
    let given = wanted(
        "timeouts = { opening = \"1s\", established = \"24h\", closing = \"2s\" }\n\
         drain_deadline = \"1h\"\npersistence = { timeout = \"1m\", granularity = 24 }",
    );
    let timeouts = rule::Timeouts {
        opening: 1,
        established: 86_400,
        closing: 2,
    };
    assert_eq!(given.timeouts, timeouts);
    assert_eq!(given.settling, 86_400);
    let persistence = Persistence {
        timeout: 60,
        prefix_len: 24,
    };
    assert_eq!(given.persistence, Some(persistence));
    assert_eq!(wanted("drain_deadline = \"2h\"").settling, 7200);
}

#[test]
fn what_only_ipvs_can_do_is_not_in_the_programs_table() {
    let servers: String = (0..256)
        .map(|i| format!("[[service.real_server]]\naddress = \"10.0.0.{i}\"\n"))
        .collect();
    let text = CONFIG.replace("check =", "scheduler = \"wlc\"\ncheck =");
    let bench = Bench::new(&format!("{text}{servers}"));
    assert!(bench.control.table().services.is_empty());
}

#[test]
fn what_only_the_program_can_do_is_not_in_ipvs() {
    let all_ports = CONFIG
        .replace("10:80", "10:0")
        .replace("\"tcp\"", "\"tcp\", port = 80");
    let persistent = all_ports.replace("check", "persistence = { timeout = \"1h\" }\ncheck");
    for (text, expected) in [(all_ports, 0), (persistent, 1)] {
        let mut bench = Bench::new(&text);
        bench.control.planes_mut().ipvs = IpvsState::Ready;
        bench.state(State::Master, Duration::ZERO);
        assert_eq!(bench.control.ipvs_table().services.len(), expected);
        assert_eq!(bench.serves(), (true, true));
    }
}
