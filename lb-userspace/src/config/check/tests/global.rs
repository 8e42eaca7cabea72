//! Snippets of `[global]`.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "router_id = 1",
        "2:13 `router_id` must be a string, not an integer",
    ),
    (r#"router_id = " ""#, "2:13 `router_id` is empty"),
    (
        r#"routr_id = "a""#,
        "2:1 unknown key `routr_id` in [global] | did you mean `router_id`?",
    ),
    (
        "colour = 1",
        "2:1 unknown key `colour` in [global] | the keys here are router_id, dataplane, runtime_dir, state_dir, bpffs, interfaces, table_size, sync, maps, program_log, passive_sample, realtime, script_user, notify_fifo",
    ),
    (
        r#"dataplane = "xpd""#,
        r#"2:13 `dataplane` must be "auto", "xdp", "xdp-native", "xdp-generic" or "ipvs", not "xpd" | did you mean "xdp"?"#,
    ),
    (
        r#"dataplane = "kernel""#,
        r#"2:13 `dataplane` must be "auto", "xdp", "xdp-native", "xdp-generic" or "ipvs", not "kernel""#,
    ),
    (
        "dataplane = true",
        "2:13 `dataplane` must be a string, not a boolean",
    ),
    (
        r#"runtime_dir = "run/lvx""#,
        r#"2:15 `runtime_dir` must be an absolute path, not "run/lvx" | start it with a slash"#,
    ),
    (
        r#"bpffs = """#,
        r#"2:9 `bpffs` must be an absolute path, not "" | start it with a slash"#,
    ),
    (
        r#"interfaces = "eth0""#,
        "2:14 `interfaces` must be an array, not a string",
    ),
    (
        r#"interfaces = ["eth0", 1, "a b"]"#,
        r#"2:23 an element of `interfaces` must be a string, not an integer
2:26 an element of `interfaces` is not an interface name: "a b" | `ip -brief link` lists this host's interfaces"#,
    ),
    (
        r#"interfaces = ["eth0", "eth0"]"#,
        r#"2:23 `interfaces` has "eth0" twice | the other one is in line 2"#,
    ),
    (
        "table_size = 4096",
        "2:14 `table_size` must be 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521 or 131071, not 4096 | the sizes that the kernel's ip_vs_mh can have; the same on both directors",
    ),
    (
        r#"table_size = "4093""#,
        "2:14 `table_size` must be an integer from 1 to 131071, not a string",
    ),
    (
        "table_size = 0xffffffffff",
        "2:14 `table_size` must be from 1 to 131071, not 0xffffffffff",
    ),
    (
        r#"sync = "eth0""#,
        "2:8 `sync` must be a table, not a string",
    ),
    (
        "sync = {}",
        "2:8 `id` is missing in `sync` | add `id = …`
2:8 `interface` is missing in `sync` | add `interface = …`",
    ),
    (
        r#"sync = { interface = "eth 0", id = 256 }"#,
        r#"2:22 `interface` is not an interface name: "eth 0" | `ip -brief link` lists this host's interfaces
2:36 `id` must be from 0 to 255, not 256"#,
    ),
    (
        r#"[global.sync]
interface = "eth0"
id = 1
dataplane = "ipvs""#,
        "5:1 unknown key `dataplane` in `sync` | it is a key of [global]: move it above `sync`",
    ),
    (
        "passive_sample = 100",
        "2:18 `passive_sample` must be a power of two, not 100 | the nearest one is 128",
    ),
    (
        "passive_sample = 0",
        "2:18 `passive_sample` must be from 1 to 32768, not 0",
    ),
    ("maps = 1", "2:8 `maps` must be a table, not an integer"),
    (
        "maps = { exceptions = 3000, persistence = 5000, flows = 1000000, rooms = 1 }",
        "2:23 `exceptions` must be a power of two, not 3000 | the nearest one is 2048
2:43 `persistence` must be a power of two, not 5000 | the nearest one is 4096
2:57 `flows` must be a power of two, not 1000000 | the nearest one is 1048576
2:66 unknown key `rooms` in `maps` | the keys here are exceptions, persistence, flows",
    ),
    (
        "[global.maps]
exceptions = 512
flows = 33554432",
        "3:14 `exceptions` must be from 1024 to 16777216, not 512
4:9 `flows` must be from 1024 to 16777216, not 33554432",
    ),
    (
        r#"program_log = "trace""#,
        r#"2:15 `program_log` must be "off", "error", "warn", "info" or "debug", not "trace""#,
    ),
    (
        "realtime = true",
        "2:12 `realtime` must be a table, not a boolean",
    ),
    (
        r#"realtime = { priority = 100, lock_memory = "off", nice = -20 }"#,
        "2:25 `priority` must be from 1 to 99, not 100
2:44 `lock_memory` must be true or false, not a string
2:51 unknown key `nice` in `realtime` | the keys here are priority, lock_memory",
    ),
    (
        r#"realtime = { priority = "high" }"#,
        "2:25 `priority` must be an integer from 1 to 99, not a string",
    ),
    (
        r#"script_user = "root:root""#,
        r#"2:15 `script_user` is not the name of a user: "root:root" | `getent passwd` lists this host's users"#,
    ),
    (
        r#"notify_fifo = "lvx.fifo""#,
        r#"2:15 `notify_fifo` must be an absolute path, not "lvx.fifo" | start it with a slash"#,
    ),
    (
        r#"mail = { to = "ops@example.com" }"#,
        "2:1 unknown key `mail` in [global] | write a [[notify]] block at the top level",
    ),
];
