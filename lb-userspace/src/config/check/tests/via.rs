//! Which address of a server a check asks for.

use super::*;
use crate::config::{CheckKind, Probe, Via};

fn probe(head: &str, check: &str) -> Probe {
    let text = format!(
        "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
         addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"one\"\n{head}\n\
         [service.check]\n{check}\n"
    );
    let config = values::read(&text);
    let check = config.services[0].check.as_ref().expect("a check");
    check.probe.clone()
}

fn shown(via: Via) -> &'static str {
    match via {
        Via::Server => "server",
        Via::Vip(_) => "vip",
        Via::Both(_) => "both",
    }
}

const TCP: &str = "address = \"192.0.2.10:80\"";
const UDP: &str = "address = \"192.0.2.10:53\"\nprotocol = \"udp\"";
const ALL_PORTS: &str = "address = \"192.0.2.10:0\"\npersistence = { timeout = \"1h\" }";

#[test]
fn by_default_both_are_asked_where_clients_are_served() {
    for (head, check, expected) in [
        (TCP, "type = \"tcp\"", "both"),
        (TCP, "type = \"http\"", "both"),
        (TCP, "type = \"https\"\nsource = \"192.0.2.1\"", "both"),
        (TCP, "type = \"redis\"\nport = 80", "both"),
        (TCP, "type = \"smtp\"\nport = 25", "server"),
        (TCP, "type = \"grpc\"\nconnect_port = 81", "server"),
        (
            TCP,
            "type = \"tcp\"\nconnect_address = \"192.0.2.3\"",
            "server",
        ),
        (TCP, "type = \"tcp\"\ninterface = \"eth1\"", "server"),
        (TCP, "type = \"tcp\"\nmark = 7", "server"),
        (TCP, "type = \"udp\"", "server"),
        (TCP, "type = \"ping\"", "server"),
        (TCP, "type = \"dns\"\ntcp = true", "both"),
        (UDP, "type = \"dns\"", "both"),
        (UDP, "type = \"dns\"\ntcp = true", "server"),
        (UDP, "type = \"udp\"", "both"),
        (ALL_PORTS, "type = \"tcp\"\nport = 22", "both"),
    ] {
        let via = probe(head, check).via;
        assert_eq!(shown(via), expected, "{check}");
        let vip = (via != Via::Server).then(|| "192.0.2.10".parse().expect("an address"));
        assert_eq!(via.vip(), vip);
    }
}

#[test]
fn a_check_says_which() {
    for (check, expected) in [
        ("type = \"tcp\"\nvia = \"server\"", "server"),
        ("type = \"tcp\"\nvia = \"vip\"\nport = 81", "vip"),
        ("type = \"udp\"\nvia = \"both\"", "both"),
        ("type = \"tcp\"\npath = \"dr\"", "vip"),
        ("type = \"http\"\npath = \"dr\"", "vip"),
        (
            "type = \"http\"\npath = \"dr\"\nvia = \"vip\"\nurls = [\"/a\"]",
            "vip",
        ),
    ] {
        assert_eq!(shown(probe(TCP, check).via), expected, "{check}");
    }
    let CheckKind::Http(http) = probe(TCP, "type = \"http\"\npath = \"dr\"").kind else {
        panic!("not http");
    };
    assert_eq!(http.urls[0].path, "/");
}

#[test]
fn parts_have_it_from_around_them_where_they_can() {
    let parts = "checks = [{ type = \"ping\" }, { type = \"tcp\" }, { type = \"http\", path = \
                 \"dr\" }, { type = \"tcp\", connect_address = \"192.0.2.3\" }]";
    for (around, expected) in [
        ("", ["server", "both", "vip", "server"]),
        ("via = \"server\"\n", ["server", "server", "vip", "server"]),
        ("via = \"vip\"\n", ["server", "vip", "vip", "server"]),
    ] {
        let probe = probe(TCP, &format!("type = \"all\"\n{around}{parts}"));
        let leaves = probe.leaves().into_iter();
        let found: Vec<&str> = leaves.map(|leaf| shown(leaf.via)).collect();
        assert_eq!(found, expected, "{around}");
        assert_eq!(probe.via, Via::Server);
    }
}
