//! Snippets of `[service.check]`, which begins in line 9 of a correct service.

use super::Row;

pub(super) const ROWS: &[Row] = &[
    (
        "type = \"tcp\"\npassive = 1",
        "11:11 `passive` must be true or false, not an integer",
    ),
    (
        "type = \"tcp\"\npath = \"/\"",
        r#"11:1 unknown key `path` in `check` | it is the path of a URL, for the types http and https; `path = "dr"`, for all types, is the same as `via = "vip"`"#,
    ),
    (
        "type = \"http\"\nurls = [\"dr\"]",
        r#"11:9 an element of `urls` is not the path of a URL: "dr" | start it with a slash, without scheme and host: "/health?full=1""#,
    ),
    (
        "type = \"tcp\"\nvia = \"dr\"",
        r#"11:7 `via` must be "server", "vip" or "both", not "dr""#,
    ),
    (
        "type = \"tcp\"\nvia = \"both\"\npath = \"dr\"",
        r#"12:8 `path = "dr"` is the same as `via = "vip"`, but `via` says otherwise | remove `path`"#,
    ),
    (
        "type = \"ping\"\nvia = \"vip\"",
        r#"11:7 a check of type "ping" cannot ask for the virtual address | remove it, or take a type that goes to a port, like "tcp" or "http""#,
    ),
    (
        "type = \"script\"\ncommand = [\"/bin/true\"]\npath = \"dr\"",
        r#"12:8 a check of type "script" cannot ask for the virtual address | remove it, or take a type that goes to a port, like "tcp" or "http""#,
    ),
    (
        "type = \"tcp\"\nvia = \"both\"\nconnect_address = \"192.0.2.99\"",
        "11:7 the virtual address is asked for at the real server, but `connect_address` leads elsewhere | remove one of them",
    ),
    (
        "type = \"http\"\npath = \"health\"",
        r#"11:8 `path` is not the path of a URL: "health" | start it with a slash, without scheme and host: "/health?full=1""#,
    ),
    (
        "type = \"http\"\nstatus = [200, \"300-200\", 99, true]",
        "11:16 an element of `status` is not a status of HTTP | write a number from 100 to 599, or a range: \"200-299\"
11:27 an element of `status` is not a status of HTTP | write a number from 100 to 599, or a range: \"200-299\"
11:31 an element of `status` is not a status of HTTP | write a number from 100 to 599, or a range: \"200-299\"",
    ),
    (
        "type = \"http\"\nheaders = { Host = \"x\", \"a b\" = \"c\", d = 1 }",
        "11:13 the header \"Host\" is the check's own | write it as `host`, beside `headers`
11:25 \"a b\" is not the name of a header | it has letters, digits and dashes
11:38 the header \"d\" must be a string without control characters | write it like { \"X-Probe\" = \"lvx\" }",
    ),
    (
        "type = \"http\"\nbody = { contains = \"a\", regex = \"b\" }",
        "11:8 `body` must say one thing | write one of { contains = \"…\" }, { regex = \"…\" } and { sha256 = \"…\" }",
    ),
    (
        "type = \"http\"\nbody = { regex = '(' }",
        "11:18 `regex` is not a regular expression: unclosed group | the syntax is that of the Rust crate regex; quote it with '…' in TOML",
    ),
    (
        "type = \"http\"\nbody = { sha256 = \"ab\" }",
        "11:19 `sha256` is not a SHA-256 digest: \"ab\" | 64 digits, as `curl URL | sha256sum` prints them",
    ),
    (
        "type = \"http\"\nmethod = \"HEAD\"\nbody = { contains = \"a\" }",
        "9:1 the answer to HEAD has no body | remove `body`, or ask with GET",
    ),
    (
        "type = \"http\"\nurls = []",
        "11:8 `urls` is empty | remove it: `path` alone is one URL",
    ),
    (
        "type = \"http\"\nurls = [\"/\", { path = \"/x\", version = \"2\" }]",
        "11:29 unknown key `version` in `urls` | it is a key of `check`: move it above `urls`",
    ),
    (
        "type = \"http\"\nca = \"/etc/ca.pem\"",
        "11:1 unknown key `ca` in `check` | it is for checks with TLS: https, smtp with `starttls = true`, grpc with `tls = true`",
    ),
    (
        "type = \"https\"\nca = \"/etc/ca.pem\"\nverify = false",
        "11:6 `ca` says what to verify by, but `verify` is false | remove one of them",
    ),
    (
        "type = \"https\"\ncert = \"/etc/lb.pem\"",
        "9:1 `key` is missing: `cert` alone says not who lvx is | add `key = …`",
    ),
    (
        "type = \"https\"\nsni = \"a b\"",
        "11:7 `sni` is not the name of a host: \"a b\" | write the name in the certificate, like \"www.example.com\"",
    ),
    (
        "type = \"udp\"\nsend = \"a\"\nsend_hex = \"00\"",
        "12:12 `send_hex` says what to send, and `send` does, too | remove one of them",
    ),
    (
        "type = \"udp\"\nsend_hex = \"0X\"",
        "11:12 `send_hex` is not hexadecimal: \"0X\" | write pairs of digits: \"80 0a ff\"",
    ),
    (
        "type = \"udp\"\nexpect = { hex = \"8\", min_length = 9, max_length = 8 }",
        "11:10 `min_length` is above `max_length` | no answer can be both: swap them
11:18 `hex` is not hexadecimal: \"8\" | write pairs of digits, X for any: \"80 0X XX\"",
    ),
    (
        "type = \"dns\"\nrecord = \"a\"",
        "11:10 `record` must be \"A\", \"AAAA\", \"SOA\", \"NS\", \"MX\", \"TXT\", \"CNAME\", \"PTR\", \"SRV\", \"CAA\" or \"ANY\", not \"a\" | did you mean \"A\"?",
    ),
    (
        "type = \"dns\"\nname = \"a..b\"",
        "11:8 `name` is not a domain name: \"a..b\" | write it like \"www.example.com\"; the root is \".\"",
    ),
    (
        "type = \"smtp\"\nhelo = \"a b\"",
        "11:8 `helo` is not the name of a host: \"a b\" | write this director's name, like \"lb1.example.com\"",
    ),
    (
        "type = \"redis\"\nuser = \"lvx\"",
        "11:8 `user` without `password` | add `password = …`",
    ),
    (
        "type = \"redis\"\nrole = \"master\"\nmax_lag = \"5s\"",
        "12:11 `max_lag` is for replicas, but `role` is \"master\" | remove one of them",
    ),
    (
        "type = \"redis\"\nrole = \"slave\"",
        "11:8 `role` must be \"master\" or \"replica\", not \"slave\"",
    ),
    (
        "type = \"script\"\ncommand = [\"check\"]",
        "11:12 the program of `command` must be an absolute path, not \"check\" | start it with a slash: no PATH is searched",
    ),
    (
        "type = \"file\"",
        "9:1 `file` is missing in `check` | add `file = …`",
    ),
    (
        "type = \"tcp\"\nsource = \"2001:db8::1\"",
        "11:10 `source` is IPv6, but the check goes to IPv4 addresses | write an IPv4 address of this host",
    ),
    (
        "type = \"tcp\"\nconnect_address = \"web1\"\nmark = 0",
        "11:19 `connect_address` is not an IP address: \"web1\" | write the address alone, without a port: lvx does not resolve host names
12:8 `mark` must be from 1 to 4294967295, not 0",
    ),
    (
        "type = \"all\"",
        "9:1 there are no `checks` | add `checks = [{ type = \"tcp\" }, …]`",
    ),
    (
        "type = \"any\"\nchecks = [{ type = \"tcp\", interval = \"1s\" }, { typ = \"tcp\" }]",
        "11:27 unknown key `interval` in `checks` | it is a key of `check`: move it above `checks`
11:46 `type` is missing in `checks` | add `type = …`",
    ),
    (
        "type = \"https\"\nwhen = \"backup\"",
        "11:8 `when` must be \"always\" or \"master\", not \"backup\"",
    ),
];
