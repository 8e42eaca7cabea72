//! What the design has but this version does not do yet: refused in words of its own, so that
//! nobody takes it for a misspelling or believes that it works.

use super::block::Kind;

/// Keys, by block.
const KEYS: &[(Kind, &[&str])] = &[
    (Kind::Global, &["ipvs"]),
    (Kind::Service, &["plane", "notify"]),
    (Kind::RealServer, &["notify"]),
];

/// Values, by block and key.
const VALUES: &[(Kind, &str, &[&str])] = &[];

pub(super) fn key(kind: Kind, key: &str) -> bool {
    KEYS.iter()
        .any(|(block, keys)| *block == kind && keys.contains(&key))
}

pub(super) fn value(kind: Kind, key: &str, value: &str) -> bool {
    VALUES
        .iter()
        .any(|(block, of, values)| *block == kind && *of == key && values.contains(&value))
}

pub(super) fn message(what: &str) -> String {
    format!("{what} is not implemented yet in this version of lvx")
}
