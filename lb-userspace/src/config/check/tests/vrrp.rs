//! Snippets of `[[vrrp]]`, laid over a correct instance of five lines.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (r#"name = """#, "2:8 `name` is empty"),
    ("name = \"a\\u0007\"", "2:8 `name` has a control character"),
    (
        r#"interface = "a-very-long-name""#,
        "3:13 `interface` is longer than 15 bytes | `ip -brief link` lists this host's interfaces",
    ),
    (
        r#"interface = "eth0/1""#,
        r#"3:13 `interface` is not an interface name: "eth0/1" | `ip -brief link` lists this host's interfaces"#,
    ),
    (
        r#"interface = "eth 0""#,
        r#"3:13 `interface` is not an interface name: "eth 0" | `ip -brief link` lists this host's interfaces"#,
    ),
    (
        r#"interface = """#,
        "3:13 `interface` is empty | `ip -brief link` lists this host's interfaces",
    ),
    (
        "virtual_router_id = 0",
        "4:21 `virtual_router_id` must be from 1 to 255, not 0",
    ),
    (
        "virtual_router_id = 256",
        "4:21 `virtual_router_id` must be from 1 to 255, not 256",
    ),
    (
        r#"virtual_router_id = "51""#,
        "4:21 `virtual_router_id` must be an integer from 1 to 255, not a string",
    ),
    (
        "virtual_router_id = 99999999999999999999",
        "4:21 `virtual_router_id` must be from 1 to 255, not 99999999999999999999",
    ),
    ("version = 4", "6:11 `version` must be 2 or 3, not 4"),
    (
        "priority = 0",
        "6:12 `priority` must be from 1 to 255, not 0",
    ),
    (
        "priority = 1.5",
        "6:12 `priority` must be an integer from 1 to 255, not a float",
    ),
    (
        "addresses = []",
        r#"5:13 `addresses` is empty | write at least one virtual address, like "192.0.2.10/24""#,
    ),
    (
        r#"addresses = "192.0.2.10""#,
        "5:13 `addresses` must be an array, not a string",
    ),
    (
        r#"addresses = ["192.0.2.10/33"]"#,
        r#"5:14 an element of `addresses` has an impossible prefix length: "192.0.2.10/33" | an IPv4 prefix length is from 1 to 32"#,
    ),
    (
        r#"addresses = ["192.0.2.10/+8"]"#,
        r#"5:14 an element of `addresses` has an impossible prefix length: "192.0.2.10/+8" | an IPv4 prefix length is from 1 to 32"#,
    ),
    (
        r#"addresses = ["192.0.2.256"]"#,
        r#"5:14 an element of `addresses` is not an IP address: "192.0.2.256""#,
    ),
    (
        r#"addresses = ["lb.example.com"]"#,
        r#"5:14 an element of `addresses` is not an IP address: "lb.example.com" | lvx does not resolve host names: write the address itself"#,
    ),
    (
        r#"addresses = ["127.0.0.1", "224.0.0.18", "0.0.0.0"]"#,
        r#"5:14 an element of `addresses` is a loopback address, which no host on the network has: "127.0.0.1"
5:27 an element of `addresses` is a multicast or broadcast address, which no host on the network has: "224.0.0.18"
5:41 an element of `addresses` is the unspecified address, which no host on the network has: "0.0.0.0""#,
    ),
    (
        r#"addresses = ["2001:db8::1/64"]"#,
        "5:14 an IPv6 virtual address is not implemented yet in this version of lvx | use an IPv4 address",
    ),
    (
        r#"addresses = ["192.0.2.10/24", "192.0.2.10"]"#,
        "5:31 `addresses` has 192.0.2.10 twice | the other one is in line 5",
    ),
    (
        "advert_interval = 1",
        r#"6:19 `advert_interval` has no unit | write it as a string with a unit, like "500ms" or "2s""#,
    ),
    (
        r#"advert_interval = "1""#,
        r#"6:19 `advert_interval` has no unit: "1" | add a unit: ms, s, m, h or d, like "500ms" or "2s""#,
    ),
    (
        r#"advert_interval = "1sec""#,
        r#"6:19 `advert_interval` has an unknown unit: "1sec" | the units are ms, s, m, h and d"#,
    ),
    (
        r#"advert_interval = "soon""#,
        r#"6:19 `advert_interval` is not a number and a unit: "soon" | write a number and a unit, like "500ms", "1.5s" or "1h""#,
    ),
    (
        r#"advert_interval = "5ms""#,
        "6:19 `advert_interval` must be from 10ms to 40.95s in VRRP version 3, not 5ms",
    ),
    (
        r#"advert_interval = "41s""#,
        "6:19 `advert_interval` must be from 10ms to 40.95s in VRRP version 3, not 41s",
    ),
    (
        r#"advert_interval = "15ms""#,
        "6:19 `advert_interval` must be a multiple of 10ms | VRRP version 3 counts in hundredths of a second",
    ),
    (
        r#"version = 2
advert_interval = "1.5s""#,
        r#"7:19 `advert_interval` must be whole seconds in VRRP version 2 | use version = 3 on all routers for less than a second, or "1s""#,
    ),
    (
        r#"version = 2
advert_interval = "0s""#,
        "7:19 `advert_interval` must be from 1s to 255s in VRRP version 2, not 0s",
    ),
    (
        r#"version = 2
advert_interval = "5m""#,
        "7:19 `advert_interval` must be from 1s to 255s in VRRP version 2, not 5m",
    ),
    (
        r#"checksum = "rfc3768""#,
        r#"6:12 `checksum` must be "rfc5798" or "rfc9568", not "rfc3768" | did you mean "rfc5798"?"#,
    ),
    (
        r#"version = 2
checksum = "rfc9568""#,
        r#"7:12 `checksum` = "rfc9568" needs VRRP version 3 | remove it: version 2 has one form of checksum"#,
    ),
    (
        r#"auth = "1111""#,
        "6:8 `auth` must be a table, not a string",
    ),
    (
        r#"auth = { type = "pass", password = "1111" }"#,
        "6:17 VRRP version 3 has no authentication | RFC 9568 took it out: remove `auth`, or use version = 2 everywhere",
    ),
    (
        r#"version = 2
auth = { type = "pass" }"#,
        "7:8 `password` is missing in `auth` | add `password = …`",
    ),
    (
        r#"version = 2
auth = { type = "pass", password = "" }"#,
        "7:36 `password` must be 1 to 8 printable ASCII characters | VRRP version 2 sends eight bytes, in clear text",
    ),
    (
        r#"version = 2
auth = { type = "pass", password = "123456789" }"#,
        "7:36 `password` must be 1 to 8 printable ASCII characters | VRRP version 2 sends eight bytes, in clear text",
    ),
    (
        r#"version = 2
auth = { type = "pass", password = "schlüss" }"#,
        "7:36 `password` must be 1 to 8 printable ASCII characters | VRRP version 2 sends eight bytes, in clear text",
    ),
    (
        r#"version = 2
auth = { type = "pass", password = 1111 }"#,
        "7:36 `password` must be a string, not an integer",
    ),
    (
        r#"auth = { type = "none", password = "1111" }"#,
        r#"6:36 `password` is given, but `type` is "none" | remove it, or write `type = "pass"`"#,
    ),
    (
        r#"auth = { type = "ah", password = "1111", priority = 1 }"#,
        r#"6:17 `type` must be "none" or "pass", not "ah"
6:42 unknown key `priority` in `auth` | it is a key of [[vrrp]]: move it above `auth`"#,
    ),
    (
        r#"preempt = "no""#,
        "6:11 `preempt` must be true or false, not a string",
    ),
    (
        r#"garp = { count = 0, interval = "1ms", refresh = "never" }"#,
        r#"6:18 `count` must be from 1 to 255, not 0
6:32 `interval` must be from 10ms to 1m, not 1ms
6:49 `refresh` is not a number and a unit: "never" | write a number and a unit, like "500ms", "1.5s" or "1h""#,
    ),
    (
        r#"garp = { cuont = 1, delay = "1s" }"#,
        "6:10 unknown key `cuont` in `garp` | did you mean `count`?
6:21 `delay` is not implemented yet in this version of lvx | remove it",
    ),
    (
        r#"unicast = { source = "192.0.2.1", peers = ["192.0.2.2"] }"#,
        "6:1 `unicast` is not implemented yet in this version of lvx | remove it",
    ),
    (
        r#"preempt_delay = "5s""#,
        "6:1 `preempt_delay` is not implemented yet in this version of lvx | remove it",
    ),
    (
        "track = []",
        "6:1 `track` is not implemented yet in this version of lvx | remove it",
    ),
    (
        r#"state = "MASTER""#,
        "6:1 unknown key `state` in [[vrrp]] | the keys here are name, interface, virtual_router_id, version, priority, advert_interval, addresses, checksum, auth, preempt, garp",
    ),
];
