//! Snippets of `[[service]]`, laid over a correct service in lines 6 to 8.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    ("name = 1", "7:8 `name` must be a string, not an integer"),
    (
        r#"address = "192.0.2.10""#,
        r#"8:11 `address` has no port: "192.0.2.10" | add the port, like "192.0.2.10:80""#,
    ),
    (
        r#"address = "192.0.2.10:0"
check = { type = "tcp" }"#,
        "9:9 `port` is missing in `check`: the service takes all ports | add `port = …`: the one to probe",
    ),
    (
        r#"address = "192.0.2.10:0"
[global]
dataplane = "ipvs""#,
        r#"8:11 IPVS serves all ports of an address only with persistence | add `persistence = { timeout = … }`, or write `dataplane = "auto"` in [global]"#,
    ),
    (
        r#"address = "192.0.2.10:65536""#,
        r#"8:11 `address` has an impossible port: "65536" | a port is a number from 1 to 65535, or 0 for all ports"#,
    ),
    (
        r#"address = "192.0.2.10:http""#,
        r#"8:11 `address` has an impossible port: "http" | a port is a number from 1 to 65535, or 0 for all ports"#,
    ),
    (
        r#"address = "192.0.2.10/24:80""#,
        r#"8:11 `address` is not an IP address: "192.0.2.10/24" | leave the prefix length out"#,
    ),
    (
        r#"address = "www.example.com:80""#,
        r#"8:11 `address` is not an IP address: "www.example.com" | lvx does not resolve host names: write the address itself"#,
    ),
    (
        r#"address = "[2001:db8::1]:80""#,
        r#"8:11 no VRRP instance holds 2001:db8::1 | add "2001:db8::1" to `addresses` of a [[vrrp]] instance"#,
    ),
    (
        r#"address = "2001:db8::1:80""#,
        r#"8:11 `address` has no port: "2001:db8::1:80" | add the port, like "[2001:db8::1:80]:80""#,
    ),
    (
        r#"address = "[fe80::1]:80""#,
        "8:11 `address` is a link-local address, which no router forwards: fe80::1 | use a global address, or a unique local one of fd00::/8",
    ),
    (
        r#"address = "[::ffff:192.0.2.10]:80""#,
        r#"8:11 `address` is an IPv4 address in the form of IPv6: "::ffff:192.0.2.10" | write "192.0.2.10""#,
    ),
    (
        r#"address = "192.0.2.11:80""#,
        r#"8:11 no VRRP instance holds 192.0.2.11 | add "192.0.2.11" to `addresses` of a [[vrrp]] instance"#,
    ),
    (
        r#"vrrp = "VI-1""#,
        r#"9:8 no VRRP instance is named "VI-1" | did you mean "VI_1"?"#,
    ),
    (
        r#"vrrp = "office""#,
        r#"9:8 no VRRP instance is named "office" | the instances are "VI_1""#,
    ),
    (
        r#"address = "192.0.2.11:80"
vrrp = "VI_1""#,
        r#"9:8 VRRP instance "VI_1" does not hold 192.0.2.11 | add "192.0.2.11" to `addresses` of "VI_1""#,
    ),
    (
        r#"vrrp = "VI_2"
[[vrrp]]
name = "VI_2"
interface = "eth1"
virtual_router_id = 52
addresses = ["198.51.100.1"]"#,
        r#"9:8 VRRP instance "VI_2" does not hold 192.0.2.10 | "VI_1" holds it: write `vrrp = "VI_1"`"#,
    ),
    (
        r#"protocol = "TCP""#,
        r#"9:12 `protocol` must be "tcp", "udp" or "sctp", not "TCP" | did you mean "tcp"?"#,
    ),
    (
        r#"protocol = "udp"
check = { type = "tcp", passive = true }"#,
        "10:35 `passive` is for TCP services, and this one is udp | only TCP tells whether a client got an answer: leave `passive` out",
    ),
    (
        r#"scheduler = "maglev""#,
        r#"9:13 `scheduler` must be "mh", "sh", "rr", "wrr", "lc" or "wlc", not "maglev""#,
    ),
    (
        r#"plane = "xdp""#,
        "9:1 `plane` is not implemented yet in this version of lvx | remove it",
    ),
    (
        "weight = 1",
        "9:1 unknown key `weight` in [[service]] | the keys here are name, address, protocol, vrrp, scheduler, scheduler_flags, persistence, timeouts, affinity, drain_deadline, initial, on_failure, slow_start, flap_damping, min_healthy, hysteresis, quorum_up, quorum_down, fallback, panic_threshold, max_down_at_once, check, real_server",
    ),
    (
        r#"check = "tcp""#,
        "9:9 `check` must be a table, not a string",
    ),
    (
        "check = {}",
        "9:9 `type` is missing in `check` | add `type = …`",
    ),
    (
        r#"check = { type = "http", path = "/", foo = 1 }"#,
        "9:38 unknown key `foo` in `check` | the keys here are type, interval, timeout, rise, fall, jitter, passive, when, port, connect_address, connect_port, source, interface, mark, via, method, path, host, headers, status, body, version, urls",
    ),
    (
        r#"check = { type = "tpc" }"#,
        r#"9:18 `type` must be "tcp", "http", "https", "udp", "dns", "smtp", "ping", "grpc", "redis", "script", "file", "all" or "any", not "tpc" | did you mean "tcp"?"#,
    ),
    (
        r#"check = { type = "tcp", interval = "1s", timeout = "1.5s" }"#,
        "9:52 `timeout` is longer than `interval`, which is 1s | a probe must be over before the next one starts",
    ),
    (
        r#"check = { type = "tcp", interval = "1ms", timeout = "2h" }"#,
        "9:36 `interval` must be from 10ms to 1h, not 1ms
9:53 `timeout` must be from 10ms to 1h, not 2h",
    ),
    (
        r#"check = { type = "tcp", rise = 0, fall = 256, jitter = 51, port = 0 }"#,
        "9:32 `rise` must be from 1 to 255, not 0
9:42 `fall` must be from 1 to 255, not 256
9:56 `jitter` must be from 0 to 50, not 51
9:67 `port` must be from 1 to 65535, not 0",
    ),
    (
        r#"[service.check]
type = "tcp"
scheduler = "mh""#,
        "11:1 unknown key `scheduler` in `check` | it is a key of [[service]]: move it above `check`",
    ),
    (
        r#"[service.real_server]
address = "192.0.2.21""#,
        r#"8:11 `address` has no port: "192.0.2.21" | add the port, like "192.0.2.21:80"
9:1 `address` is missing in [[service.real_server]] | add `address = …`
9:1 `real_server` must be an array of tables | write [[service.real_server]], with two brackets"#,
    ),
    (
        "[[service.real_server]]",
        "9:1 `address` is missing in [[service.real_server]] | add `address = …`",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21:8080""#,
        "10:11 port 8080 is not the service's port 80 | direct routing cannot translate ports: run the server on the service's port",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21:0""#,
        r#"10:11 `address` has an impossible port: "0" | a port is a number from 1 to 65535"#,
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21:""#,
        r#"10:11 `address` has an impossible port: "" | a port is a number from 1 to 65535"#,
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21/24""#,
        r#"10:11 `address` is not an IP address: "192.0.2.21/24" | leave the prefix length out"#,
    ),
    (
        r#"[[service.real_server]]
address = "web1""#,
        r#"10:11 `address` is not an IP address: "web1" | lvx does not resolve host names: write the address itself"#,
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.10""#,
        "10:11 real server 192.0.2.10 is the service's own address | write the address that the server has besides the virtual one",
    ),
    (
        r#"[[service.real_server]]
address = "2001:db8::21""#,
        "10:11 real server 2001:db8::21 is IPv6, but the service's address is IPv4 | direct routing cannot translate between address families",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
weight = 65536"#,
        "11:10 `weight` must be from 0 to 65535, not 65536",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
wieght = 2"#,
        "11:1 unknown key `wieght` in [[service.real_server]] | did you mean `weight`?",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
scheduler = "mh""#,
        "11:1 unknown key `scheduler` in [[service.real_server]] | it is a key of [[service]]: move it above [[service.real_server]]",
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
check = { type = "tpc" }"#,
        r#"11:18 `type` must be "tcp", "http", "https", "udp", "dns", "smtp", "ping", "grpc", "redis", "script", "file", "all" or "any", not "tpc" | did you mean "tcp"?"#,
    ),
    (
        r#"[[service.real_server]]
address = "192.0.2.21"
[[service.real_server]]
address = "192.0.2.21:80""#,
        "12:11 real server 192.0.2.21 is twice in this service | the other one is in line 10",
    ),
];
