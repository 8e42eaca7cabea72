//! Snippets of `[[vrrp]]` about what it tracks and runs, laid over a correct instance.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "track = 1",
        "6:9 `track` must be an array of tables, not an integer",
    ),
    (
        r#"track = ["eth1"]"#,
        "6:10 an element of `track` must be a table, not a string",
    ),
    (
        "track = {}",
        "6:9 `track` does not say what to watch | add `interface`, `script`, `file`, `process`, `route` or `service`",
    ),
    (
        "track = [{ weight = -10, rise = 2 }]",
        "6:10 `track` does not say what to watch | add `interface`, `script`, `file`, `process`, `route` or `service`",
    ),
    (
        r#"track = { interface = "eth1", file = "/run/x" }"#,
        "6:38 `track` has both `interface` and `file` | write a table for each: `track = [{ … }, { … }]`",
    ),
    (
        r#"track = { interfce = "eth1" }"#,
        "6:9 `track` does not say what to watch | add `interface`, `script`, `file`, `process`, `route` or `service`
6:11 unknown key `interfce` in `track` | did you mean `interface`?",
    ),
    (
        r#"track = { interface = "eth 1", interval = "1s", at_least = 1, colour = 1 }"#,
        r#"6:23 `interface` is not an interface name: "eth 1" | `ip -brief link` lists this host's interfaces
6:43 `interval` is for `script`, but this is about `interface` | remove it
6:60 `at_least` is for `process`, but this is about `interface` | remove it
6:63 unknown key `colour` in `track` | the keys here are interface, script, file, process, route, service, weight, interval, timeout, rise, fall, user, at_least, min_healthy"#,
    ),
    (
        r#"track = [{ interface = "eth1" }, { interface = "eth1", weight = -5 }]"#,
        "6:48 the same thing is tracked twice | the other one is in line 6",
    ),
    // Weights.
    (
        r#"track = { interface = "eth1", weight = 0 }"#,
        "6:40 `weight` must not be 0, which changes nothing | without `weight` the instance is in FAULT while the thing is not well",
    ),
    (
        r#"track = [{ file = "/run/x", weight = -254 }, { file = "/run/y", weight = 254 }]"#,
        "6:38 `weight` must be from -253 to 253, not -254
6:74 `weight` must be from -253 to 253, not 254",
    ),
    (
        r#"priority = 255
track = { interface = "eth1", weight = -10 }"#,
        "7:40 `weight` does nothing with priority 255 | use a lower priority, or remove it: the instance is then in FAULT instead",
    ),
    (
        r#"track = { interface = "eth0", weight = -10 }"#,
        r#"6:40 `weight` does nothing: "eth0" is the instance's own interface | remove this table: an instance is in FAULT while its interface is down"#,
    ),
    // Scripts.
    (
        r#"track = { script = "/usr/local/bin/check eth0" }"#,
        r#"6:20 `script` must be an array, not a string | write the program and its arguments, which no shell reads, as strings: ["/usr/local/bin/check", "eth0"]"#,
    ),
    (
        "track = { script = [] }",
        r#"6:20 `script` is empty | write the program and its arguments, which no shell reads, as strings: ["/usr/local/bin/check", "eth0"]"#,
    ),
    (
        r#"track = { script = ["check", 1, "a\u0000b"], user = "a b" }"#,
        r#"6:30 an element of `script` must be a string, not an integer
6:33 an element of `script` has a zero byte | remove it: no program can be given one
6:53 `user` is not the name of a user: "a b" | `getent passwd` lists this host's users"#,
    ),
    (
        r#"track = { script = ["check"] }"#,
        r#"6:21 the program of `script` must be an absolute path, not "check" | start it with a slash: no PATH is searched"#,
    ),
    (
        r#"track = { script = ["/bin/true"], timeout = "2s" }"#,
        "6:45 `timeout` is longer than `interval`, which is 1s | a run must be over before the next one starts",
    ),
    (
        r#"track = { script = ["/bin/true"], interval = "10ms", rise = 0, fall = 256 }"#,
        "6:46 `interval` must be from 100ms to 1h, not 10ms
6:61 `rise` must be from 1 to 255, not 0
6:71 `fall` must be from 1 to 255, not 256",
    ),
    // The others.
    (
        r#"track = { file = "run/x" }"#,
        r#"6:18 `file` must be an absolute path, not "run/x" | start it with a slash"#,
    ),
    (
        r#"track = { process = "/usr/sbin/nginx", at_least = 0 }"#,
        r#"6:21 `process` is a path, not a name: "/usr/sbin/nginx" | write "nginx", as `ps -o comm` shows it
6:51 `at_least` must be from 1 to 65535, not 0"#,
    ),
    (
        r#"track = [{ route = "default" }, { route = "192.0.2.0" }, { route = "2001:db8::" }]"#,
        r#"6:20 `route` is not a network: "default" | write one like "198.51.100.0/24"; the default route is "0.0.0.0/0" or "::/0"
6:43 `route` has no prefix length: "192.0.2.0" | add it; that of one host is /32
6:68 `route` has no prefix length: "2001:db8::" | add it; that of one host is /128"#,
    ),
    (
        r#"track = [{ route = "192.0.2.1/24" }, { route = "2001:db8::1/32" }, { route = "::/129" }]"#,
        r#"6:20 `route` is a host's address, not a network's: "192.0.2.1/24" | did you mean "192.0.2.0/24"?
6:48 `route` is a host's address, not a network's: "2001:db8::1/32" | did you mean "2001:db8::/32"?
6:78 `route` has an impossible prefix length: "::/129" | an IPv6 prefix length is from 0 to 128"#,
    ),
    (
        r#"track = { service = "web" }"#,
        r#"6:21 no service is named "web" | there is no [[service]] block in the file"#,
    ),
    (
        r#"track = { service = 1, min_healthy = 0 }"#,
        "6:21 `service` must be a string, not an integer
6:38 `min_healthy` must be from 1 to 65535, not 0",
    ),
    // Notify.
    (
        r#"notify = "/etc/lvx/notify.sh""#,
        r#"6:10 `notify` must be an array, not a string | write the program and its arguments, which no shell reads, as strings: ["/usr/local/bin/check", "eth0"]"#,
    ),
    (
        r#"notify = ["notify.sh", "MASTER"]"#,
        r#"6:11 the program of `notify` must be an absolute path, not "notify.sh" | start it with a slash: no PATH is searched"#,
    ),
    (
        r#"notify = { user = "", timeout = "10ms" }"#,
        "6:10 `command` is missing in `notify` | add `command = …`
6:19 `user` is empty
6:33 `timeout` must be from 100ms to 5m, not 10ms",
    ),
    (
        r#"notify_master = "/etc/lvx/master.sh""#,
        "6:1 unknown key `notify_master` in [[vrrp]] | write `notify = [ … ]`: it is run on every change and told the new state",
    ),
    (
        r#"[vrrp.notify]
command = ["/etc/lvx/notify.sh"]
priority = 10"#,
        "8:1 unknown key `priority` in `notify` | it is a key of [[vrrp]]: move it above `notify`",
    ),
];
