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
        r#"garp = { cuont = 1, delay = "1s", interval = "100ms" }"#,
        "6:10 unknown key `cuont` in `garp` | did you mean `count`?",
    ),
    (
        r#"garp = { delay = "1s" }"#,
        r#"6:18 `delay` is shorter than the first burst, which takes 4s | write at least "4s", or a smaller `count` or `interval`"#,
    ),
    (
        r#"garp = { delay = "2h", lower_priority = 256 }"#,
        "6:18 `delay` must be from 10ms to 1h, not 2h
6:41 `lower_priority` must be from 0 to 255, not 256",
    ),
    // Families.
    (
        r#"addresses = ["2001:db8::10/129"]"#,
        r#"5:14 an element of `addresses` has an impossible prefix length: "2001:db8::10/129" | an IPv6 prefix length is from 1 to 128"#,
    ),
    (
        r#"addresses = ["192.0.2.10", "2001:db8::10", "2001:db8::11"]"#,
        "5:28 `addresses` has both IPv4 and IPv6 | write a [[vrrp]] block for each family, with the same `virtual_router_id` if you like, and a [[sync_group]] if both must be on one director",
    ),
    (
        r#"addresses = ["::ffff:192.0.2.10"]"#,
        r#"5:14 an element of `addresses` is an IPv4 address in the form of IPv6: "::ffff:192.0.2.10" | write "192.0.2.10""#,
    ),
    (
        r#"addresses = ["fe80::1%eth0"]"#,
        r#"5:14 an element of `addresses` is not an IP address: "fe80::1%eth0" | leave the zone out: it is the instance's interface"#,
    ),
    (
        r#"addresses = ["2001:db8::10/64"]
version = 2
checksum = "rfc9568""#,
        "6:11 VRRP version 2 has no IPv6 | remove `version`: 3 does both families",
    ),
    (
        r#"addresses = ["2001:db8::10/64"]
checksum = "rfc9568""#,
        r#"6:12 `checksum` = "rfc9568" is for IPv4 | remove it: IPv6 has one form of checksum"#,
    ),
    // When it becomes master.
    (
        r#"preempt_delay = "1001s""#,
        "6:17 `preempt_delay` must be from 0s to 1000s, not 1001s",
    ),
    (
        r#"preempt = false
preempt_delay = "5s""#,
        "7:17 `preempt_delay` does nothing with `preempt = false` | remove one of them: a master is either never replaced, or after the delay",
    ),
    (
        r#"priority = 255
preempt_delay = "5s""#,
        "7:17 `preempt_delay` does nothing with priority 255 | use `startup_delay`, or a lower priority: the owner takes its address at once",
    ),
    (
        "priority = 255
preempt = false
accept = false",
        "7:11 `preempt = false` does nothing with priority 255 | remove it, or use a lower priority: the owner of an address always takes it
8:10 `accept = false` does nothing with priority 255 | remove it, or use a lower priority: the addresses are the owner's own",
    ),
    (
        r#"startup_delay = "2h"
accept = "no""#,
        "6:17 `startup_delay` must be from 0s to 1000s, not 2h
7:10 `accept` must be true or false, not a string",
    ),
    // The virtual MAC.
    (
        "virtual_mac = 1",
        "6:15 `virtual_mac` must be true, false or the name of a device, not an integer",
    ),
    (
        r#"virtual_mac = "vrrp.of.instance.1""#,
        "6:15 `virtual_mac` is longer than 15 bytes | `ip -brief link` lists this host's interfaces",
    ),
    (
        r#"virtual_mac = "eth0""#,
        r#"6:15 the device of `virtual_mac` has the name of an interface: "eth0" | write a name that no interface has: lvx makes the device"#,
    ),
    // Unicast.
    (
        "unicast = true",
        "6:11 `unicast` must be a table, not a boolean",
    ),
    (
        r#"unicast = { peer = "192.0.2.2" }"#,
        "6:11 `peers` is missing in `unicast` | add `peers = …`
6:13 unknown key `peer` in `unicast` | write `peers = [ … ]`, even for one",
    ),
    (
        "unicast = { peers = [] }",
        "6:21 `peers` is empty | write the other directors' addresses, or remove `unicast`",
    ),
    (
        r#"unicast = { source = "192.0.2.1", peers = ["192.0.2.2", "192.0.2.1", "192.0.2.2", "192.0.2.10", "2001:db8::2"] }"#,
        "6:57 peer 192.0.2.1 is the `source` as well | leave this director itself out of `peers`
6:70 `peers` has 192.0.2.2 twice | the other one is in line 6
6:83 peer 192.0.2.10 is a virtual address of this instance | write the other director's own address, which it keeps as a backup
6:97 peer 2001:db8::2 is IPv6, but the virtual addresses are IPv4 | write an IPv4 address: advertisements have one family",
    ),
    (
        r#"unicast = { source = "192.0.2.10", peers = ["192.0.2.2/24"] }"#,
        r#"6:22 `source` 192.0.2.10 is a virtual address of this instance | write this director's own address, which it keeps as a backup
6:45 an element of `peers` is not an IP address: "192.0.2.2/24" | leave the prefix length out"#,
    ),
    (
        r#"addresses = ["2001:db8::10"]
unicast = { source = "192.0.2.1", peers = ["fe80::2%eth0", "ff02::12"] }"#,
        r#"6:22 source 192.0.2.1 is IPv4, but the virtual addresses are IPv6 | write an IPv6 address: advertisements have one family
6:44 an element of `peers` is not an IP address: "fe80::2%eth0" | leave the zone out: it is the instance's interface
6:60 an element of `peers` is a multicast or broadcast address, which no host on the network has: "ff02::12""#,
    ),
    (
        r#"unicast = { peers = ["192.0.2.2"], ttl = 0, min_ttl = 0, max_ttl = 256 }"#,
        "6:42 `ttl` must be from 1 to 255, not 0
6:55 `min_ttl` must be from 1 to 255, not 0
6:68 `max_ttl` must be from 1 to 255, not 256",
    ),
    (
        r#"unicast = { peers = ["192.0.2.2"], min_ttl = 255, max_ttl = 254 }"#,
        "6:46 `min_ttl` is above `max_ttl`, which is 254 | write the smaller of both as `min_ttl`",
    ),
    // As keepalived.conf has it.
    (
        r#"state = "MASTER""#,
        "6:1 unknown key `state` in [[vrrp]] | remove it: the priorities decide who is master",
    ),
    (
        r#"sync_group = "G1""#,
        "6:1 unknown key `sync_group` in [[vrrp]] | write a [[sync_group]] block at the top level, which names its instances",
    ),
    (
        "colour = 1",
        "6:1 unknown key `colour` in [[vrrp]] | the keys here are name, interface, virtual_router_id, addresses, version, priority, advert_interval, checksum, auth, preempt, preempt_delay, startup_delay, accept, virtual_mac, unicast, garp, track, notify",
    ),
];
