//! Several instances: sync groups, devices, services that they track. Whole files.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        r#"[sync_group]
name = "G"
instances = ["A"]"#,
        r#"1:1 `sync_group` must be an array of tables | write [[sync_group]], with two brackets
3:13 `instances` has fewer than two instances | name those that shall be master together, or remove the group
3:14 no VRRP instance is named "A" | there is no [[vrrp]] block in the file"#,
    ),
    (
        r#"[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1"]
[[vrrp]]
name = "B"
interface = "eth1"
virtual_router_id = 1
addresses = ["192.0.2.2"]
[[vrrp]]
name = "C"
interface = "eth1"
virtual_router_id = 2
addresses = ["192.0.2.3"]
[[sync_group]]
name = "G"
instances = ["A", "a", "D-1", "A", "B"]
notify = 1
[[sync_group]]
name = "G"
instances = ["C", "B"]
[[sync_group]]
members = ["A", "B"]
"#,
        r#"18:19 no VRRP instance is named "a" | did you mean "A"?
18:24 no VRRP instance is named "D-1" | the instances are "A", "B", "C"
18:31 `instances` has "A" twice | the other one is in line 18
19:10 `notify` must be an array, not an integer | write the program and its arguments, which no shell reads, as strings: ["/usr/local/bin/check", "eth0"]
21:8 two sync groups are named "G" | the other one is in line 17
22:19 VRRP instance "B" is in two sync groups | make one group of both; the other one is in line 18
23:1 `instances` is missing in [[sync_group]] | add `instances = …`
23:1 `name` is missing in [[sync_group]] | add `name = …`
24:1 unknown key `members` in [[sync_group]] | write `instances = [ … ]`"#,
    ),
    // Devices. Families apart, an instance may have the same VRID on one interface.
    (
        r#"[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1"]
virtual_mac = true
[[vrrp]]
name = "A6"
interface = "eth0"
virtual_router_id = 1
addresses = ["fe80::1", "2001:db8::1"]
virtual_mac = true
[[vrrp]]
name = "B"
interface = "eth1"
virtual_router_id = 1
addresses = ["192.0.2.2"]
virtual_mac = true
[[vrrp]]
name = "B6"
interface = "eth1"
virtual_router_id = 1
addresses = ["fe80::1", "2001:db8::1"]
virtual_mac = "vrrp6.b"
[[vrrp]]
name = "C6"
interface = "eth1"
virtual_router_id = 1
addresses = ["fe80::1"]
"#,
        r#"18:15 two VRRP instances have a `virtual_mac` device "vrrp.1" | name it yourself, `virtual_mac = "…"`; the other one is in line 6
23:25 two VRRP instances hold 2001:db8::1 | the other one is in line 11
28:21 two VRRP instances have virtual router 1 on "eth1" | the other one is in line 22
29:14 two VRRP instances hold fe80::1 | the other one is in line 23"#,
    ),
    // Services that are tracked.
    (
        r#"[[vrrp]]
name = "A"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.1"]
track = [
  { service = "wbe" },
  { service = "web", min_healthy = 3, weight = -10 },
  { service = "unchecked" },
  { service = "wrong", min_healthy = 9 },
]
[[service]]
name = "web"
address = "192.0.2.1:80"
check = { type = "tcp" }
real_server = [{ address = "192.0.2.21" }, { address = "192.0.2.22" }]
[[service]]
name = "unchecked"
address = "192.0.2.1:81"
real_server = [{ address = "192.0.2.21" }]
[[service]]
name = "wrong"
address = "192.0.2.1"
"#,
        r#"7:15 no service is named "wbe" | did you mean "web"?
8:15 `min_healthy` is 3, but service "web" has 2 real servers | it could never be reached: write a lower number
9:15 service "unchecked" has no `check`: its servers are always healthy | add a `check` to the service, or do not track it
23:11 `address` has no port: "192.0.2.1" | add the port, like "192.0.2.1:80""#,
    ),
];
