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
        "2:1 unknown key `colour` in [global] | the keys here are router_id, dataplane, runtime_dir, bpffs, interfaces, table_size, sync",
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
        "realtime = true",
        "2:1 `realtime` is not implemented yet in this version of lvx | remove it",
    ),
];
