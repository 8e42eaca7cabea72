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
];

/// What to do about `key` in a block of this kind.
pub(super) fn hint(kind: Kind, key: &str) -> Option<&'static str> {
    KEYS.iter()
        .find(|(block, keys, _)| *block == kind && keys.contains(&key))
        .map(|(_, _, hint)| *hint)
}
