//! Keys that are looked for where they are not: in another block, or by the name that they have
//! in keepalived.conf.

use super::block::Kind;

const KEYS: &[(Kind, &[&str], &str)] = &[
    (
        Kind::File,
        &["track", "script"],
        "write `track = { … }` in the [[vrrp]] block that it is for",
    ),
    (
        Kind::File,
        &["mail", "webhook", "alert", "notification"],
        "write a [[notify]] block with `type = \"mail\"`, \"webhook\" or \"command\"",
    ),
    (
        Kind::Global,
        &[
            "notify",
            "mail",
            "webhook",
            "smtp_server",
            "notification_email",
        ],
        "write a [[notify]] block at the top level",
    ),
    (
        Kind::Target,
        &[
            "to",
            "from",
            "server",
            "tls",
            "username",
            "password",
            "password_file",
            "hello",
            "subject",
            "body",
        ],
        "it is for the type mail",
    ),
    (
        Kind::Target,
        &["url", "secret", "secret_file", "headers"],
        "it is for the type webhook",
    ),
    (
        Kind::Target,
        &["ca", "verify"],
        "it is for mail, and for webhooks whose URL is https",
    ),
    (
        Kind::Target,
        &["cert", "key"],
        "it is for webhooks whose URL is https",
    ),
    (
        Kind::Target,
        &["command", "user"],
        "it is for the type command",
    ),
    (
        Kind::Global,
        &["sync_group", "vrrp_sync_group"],
        "write a [[sync_group]] block at the top level",
    ),
    (
        Kind::Vrrp,
        &["sync_group"],
        "write a [[sync_group]] block at the top level, which names its instances",
    ),
    (
        Kind::Vrrp,
        &["state"],
        "remove it: the priorities decide who is master",
    ),
    (Kind::Vrrp, &["nopreempt"], "write `preempt = false`"),
    (
        Kind::Vrrp,
        &["virtual_ipaddress", "virtual_ipaddresses"],
        "write `addresses = [ … ]`",
    ),
    (Kind::Vrrp, &["advert_int"], "write `advert_interval = …`"),
    (Kind::Vrrp, &["authentication"], "write `auth = { … }`"),
    (
        Kind::Vrrp,
        &["unicast_src_ip", "unicast_peer", "unicast_peers"],
        "write `unicast = { source = …, peers = [ … ] }`",
    ),
    (
        Kind::Vrrp,
        &["use_vmac", "vmac"],
        "write `virtual_mac = true`",
    ),
    (
        Kind::Vrrp,
        &[
            "track_interface",
            "track_script",
            "track_file",
            "track_process",
        ],
        "write `track = { … }`",
    ),
    (
        Kind::Vrrp,
        &[
            "notify_master",
            "notify_backup",
            "notify_fault",
            "notify_stop",
        ],
        "write `notify = [ … ]`: it is run on every change and told the new state",
    ),
    (
        Kind::SyncGroup,
        &["group", "members"],
        "write `instances = [ … ]`",
    ),
    (
        Kind::Unicast,
        &["peer"],
        "write `peers = [ … ]`, even for one",
    ),
    (Kind::Service, &["quorum"], "write `min_healthy = …`"),
    (Kind::Service, &["sorry_server"], "write `fallback = …`"),
    (Kind::Service, &["alpha"], "write `initial = \"down\"`"),
    (
        Kind::Service,
        &["inhibit_on_failure"],
        "write `on_failure = \"quiesce\"`",
    ),
    (Kind::RealServer, &["alpha"], "write `initial = \"down\"`"),
    (
        Kind::RealServer,
        &["inhibit_on_failure"],
        "write `on_failure = \"quiesce\"`",
    ),
    (
        Kind::Service,
        &["ha_suspend"],
        "write `when = \"master\"` in `check`",
    ),
    (Kind::Check, &["ha_suspend"], "write `when = \"master\"`"),
    (
        Kind::Check,
        &["alpha"],
        "write `initial = \"down\"` in the service or the real server",
    ),
    (
        Kind::Service,
        &["warmup"],
        "remove it: the first probe starts at once, so that the server is known",
    ),
    (
        Kind::Check,
        &["warmup"],
        "remove it: the first probe starts at once, so that the server is known",
    ),
    (
        Kind::Check,
        &["path"],
        "it is the path of a URL, for the types http and https; `path = \"dr\"`, for all types, is \
         the same as `via = \"vip\"`",
    ),
    (
        Kind::Check,
        &[
            "method", "host", "headers", "status", "body", "version", "urls",
        ],
        "it is for the types http and https",
    ),
    (
        Kind::Check,
        &["sni", "ca", "verify", "cert", "key", "expiry_warning"],
        "it is for checks with TLS: https, smtp with `starttls = true`, grpc with `tls = true`",
    ),
    (
        Kind::Check,
        &["send", "send_hex", "expect"],
        "it is for the type udp",
    ),
    (
        Kind::Check,
        &["name", "record", "rcode", "answer"],
        "it is for the type dns",
    ),
    (
        Kind::Check,
        &["password", "role", "max_lag"],
        "it is for the type redis",
    ),
    (Kind::Check, &["command"], "it is for the type script"),
    (Kind::Check, &["file"], "it is for the type file"),
    (Kind::Check, &["checks"], "it is for the types all and any"),
    (
        Kind::Check,
        &["url"],
        "write `path = …`, or `urls = [ … ]` for several",
    ),
    (Kind::Check, &["delay_loop"], "write `interval = …`"),
    (
        Kind::Check,
        &["connect_timeout"],
        "write `timeout = …`: it is the time of the whole probe",
    ),
    (Kind::Check, &["bindto"], "write `source = …`"),
    (Kind::Check, &["fwmark"], "write `mark = …`"),
];

/// What to do about `key` in a block of this kind.
pub(super) fn hint(kind: Kind, key: &str) -> Option<&'static str> {
    // What is in an `all` or `any` is a check, too.
    let kind = if kind == Kind::Part {
        Kind::Check
    } else {
        kind
    };
    KEYS.iter()
        .find(|(block, keys, _)| *block == kind && keys.contains(&key))
        .map(|(_, _, hint)| *hint)
}
