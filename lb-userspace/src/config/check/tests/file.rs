//! Syntax, the top level, and blocks against each other.

use std::path::Path;

use super::{Row, parse, said};

pub(super) const ROWS: &[Row] = &[
    (
        "[globl]",
        "1:2 unknown key `globl` at the top level | did you mean `global`?",
    ),
    (
        r#"[global]
passive_sample = "off"
[[vrrp]]
name = "VI"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.10"]
[[service]]
name = "web"
address = "192.0.2.10:80"
check = { type = "tcp", passive = true }"#,
        r#"11:35 `passive` looks at sampled connections, and [global] passive_sample is "off" | leave one of both out"#,
    ),
    (
        "vrrp = 1",
        "1:8 `vrrp` must be an array of tables, not an integer",
    ),
    (
        "service = [1]",
        "1:12 an element of `service` must be a table, not an integer",
    ),
    (
        "[[global]]",
        "1:1 `global` must be a table, not an array",
    ),
    (
        r#"[service]
name = "web""#,
        "1:1 `address` is missing in [[service]] | add `address = …`
1:1 `service` must be an array of tables | write [[service]], with two brackets",
    ),
    (
        "[[track]]\n[[notify]]",
        "1:3 unknown key `track` at the top level | write `track = { … }` in the [[vrrp]] block that it is for
2:1 `name` is missing in [[notify]] | add `name = …`
2:1 `type` is missing in [[notify]] | add `type = …`",
    ),
    (
        "\"a\\nb\" = 1",
        r#"1:1 unknown key `a\nb` at the top level | the keys here are global, vrrp, sync_group, service, notify"#,
    ),
    // Syntax.
    (
        "[global
",
        "1:8 TOML syntax: unclosed table, expected `]`",
    ),
    (
        "[global]
router_id = lb1
",
        "2:13 TOML syntax: string values must be quoted, expected literal string",
    ),
    (
        r#"[global]
router_id = "lb1
"#,
        r#"2:17 TOML syntax: invalid basic string, expected `"`"#,
    ),
    (
        "[global]
router_id = 
",
        "2:13 TOML syntax: string values must be quoted, expected literal string",
    ),
    (
        r#"[global]
router_id = "a"
router_id = "b"
foo = 1
"#,
        "3:1 TOML syntax: duplicate key
4:1 unknown key `foo` in [global] | the keys here are router_id, dataplane, runtime_dir, state_dir, bpffs, interfaces, table_size, sync, maps, program_log, passive_sample, realtime, script_user, notify_fifo",
    ),
    (
        r#"[global]
interfaces = ["eth0", "eth1"
foo = 1
[[vrrp]]
name = 1
"#,
        "3:1 TOML syntax: missing comma between array elements, expected `,`",
    ),
    (
        r#"[[vrrp]]
auth = { type = "pass", password = "1"
foo = 1
bar = 1
[[service]]
x = 1
"#,
        "3:1 TOML syntax: missing comma between key-value pairs, expected `,`",
    ),
    (
        "[global]
foo = 1
[[vrrp]
name = 1
",
        "2:1 unknown key `foo` in [global] | the keys here are router_id, dataplane, runtime_dir, state_dir, bpffs, interfaces, table_size, sync, maps, program_log, passive_sample, realtime, script_user, notify_fifo
3:8 TOML syntax: unclosed array table, expected `]`",
    ),
    (
        "a = 1\n\n\u{1}",
        "1:1 unknown key `a` at the top level | the keys here are global, vrrp, sync_group, service, notify
3:1 TOML syntax: invalid unquoted key, expected letters, numbers, `-`, `_`",
    ),
    // Instances against each other.
    (
        r#"[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1", "192.0.2.2"]
[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.3", "192.0.2.2/24"]
[[vrrp]]
name = "C"
interface = "eth1"
virtual_router_id = 1
addresses = ["192.0.2.4"]
"#,
        r#"7:8 two VRRP instances are named "A" | the other one is in line 2
9:21 two VRRP instances have virtual router 1 on "eth0" | the other one is in line 4
10:27 two VRRP instances hold 192.0.2.2 | the other one is in line 5"#,
    ),
    // Services against each other.
    (
        r#"[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1"]
[[service]]
name = "web"
address = "192.0.2.1:80"
[[service]]
name = "web"
address = "192.0.2.1:80"
[[service]]
name = "dns"
address = "192.0.2.1:80"
protocol = "udp"
"#,
        r#"10:8 two services are named "web" | the other one is in line 7
11:11 two services have address 192.0.2.1:80 and the same protocol | the other one is in line 8"#,
    ),
    // References.
    (
        r#"[[service]]
name = "web"
address = "192.0.2.1:80""#,
        r#"3:11 no VRRP instance holds 192.0.2.1 | add "192.0.2.1" to `addresses` of a [[vrrp]] instance"#,
    ),
    (
        r#"[[service]]
name = "web"
address = "192.0.2.1:80"
vrrp = "A""#,
        r#"4:8 no VRRP instance is named "A" | there is no [[vrrp]] block in the file"#,
    ),
    // What refers to an instance that is wrong itself is not judged.
    (
        r#"[[vrrp]]
name = ""
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1x"]
[[service]]
name = "web"
address = "192.0.2.1:80"
vrrp = "A"
"#,
        r#"2:8 `name` is empty
5:14 an element of `addresses` is not an IP address: "192.0.2.1x" | lvx does not resolve host names: write the address itself"#,
    ),
    (
        r#"[global]
table_size = 251
[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1"]
priority = 0
[[service]]
name = "web"
address = "192.0.2.1:80"
"#,
        "8:12 `priority` must be from 1 to 255, not 0",
    ),
];

pub(super) const TEN_ERRORS: &str = r#"[global]
router_id = 7
table_size = 4096
[[vrrp]]
name = "VI_1"
interface = "eth0"
virtual_router_id = 256
version = 2
advert_interval = "100ms"
addresses = ["192.0.2.10/33"]
auth = { type = "pass", password = "far too long" }
[[service]]
name = "web"
address = "192.0.2.10:80"
scheduler = "maglev"
check = { type = "tcp", interval = 2 }
[[service.real_server]]
address = "192.0.2.21:8080"
wieght = 1
"#;

#[test]
fn all_errors_are_reported_in_order() {
    let expected = r#"2:13 `router_id` must be a string, not an integer
3:14 `table_size` must be 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521 or 131071, not 4096 | the sizes that the kernel's ip_vs_mh can have; the same on both directors
7:21 `virtual_router_id` must be from 1 to 255, not 256
9:19 `advert_interval` must be whole seconds in VRRP version 2 | use version = 3 on all routers for less than a second, or "1s"
10:14 an element of `addresses` has an impossible prefix length: "192.0.2.10/33" | an IPv4 prefix length is from 1 to 32
11:36 `password` must be 1 to 8 printable ASCII characters | VRRP version 2 sends eight bytes, in clear text
15:13 `scheduler` must be "mh", "sh", "rr", "wrr", "lc" or "wlc", not "maglev"
16:36 `interval` has no unit | write it as a string with a unit, like "500ms" or "2s"
18:11 port 8080 is not the service's port 80 | direct routing cannot translate ports: run the server on the service's port
19:1 unknown key `wieght` in [[service.real_server]] | did you mean `weight`?"#;
    assert_eq!(said(TEN_ERRORS), expected);
}

#[test]
fn more_servers_than_slots() {
    let servers: String = (0..252)
        .map(|i| format!("[[service.real_server]]\naddress = \"10.0.0.{i}\"\n"))
        .collect();
    let text = super::INSTANCE.to_owned() + "[global]\ntable_size = 251\n" + super::SERVICE;
    let expected = "513:1 more real servers than the 251 slots of the service's table \
        | set a larger `table_size` in [global], on both directors";
    assert_eq!(said(&(text + &servers)), expected);
}

#[test]
fn shown_with_the_line_and_without_the_password() {
    let errors = parse(Path::new("lvx.toml"), TEN_ERRORS).expect_err("ten errors");
    let shown = errors.to_string();
    let password = "
lvx.toml:11:36: error: `password` must be 1 to 8 printable ASCII characters
  | auth = { type = \"pass\", password = \"************\" }
  |                                    ^^^^^^^^^^^^^^
  = help: VRRP version 2 sends eight bytes, in clear text
";
    assert!(shown.contains(password), "{shown}");
    assert!(!format!("{errors:?}").contains("far too long"));
}
