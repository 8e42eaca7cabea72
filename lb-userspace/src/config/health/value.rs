//! Readers of single values that only checks have.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::Hex;
use crate::config::block::{Block, Value};
use crate::config::reader::{absolute_path, string};
use crate::config::report::Report;

/// An address to come from or to connect to; of this host, too.
pub(super) fn address(report: &mut Report<'_>, value: Value<'_>) -> Option<IpAddr> {
    let text = string(report, value)?;
    let subject = value.subject();
    let Ok(ip) = text.parse::<IpAddr>() else {
        report
            .error(
                &value.span(),
                format!("{subject} is not an IP address: {text:?}"),
            )
            .hint("write the address alone, without a port: lvx does not resolve host names");
        return None;
    };
    if ip.is_unspecified() || ip.is_multicast() {
        report
            .error(
                &value.span(),
                format!("{subject} is not one host's address: {text:?}"),
            )
            .hint("write the address of one host");
        return None;
    }
    Some(ip)
}

/// Bytes in hexadecimal, some of which may be open.
pub(super) fn hex(report: &mut Report<'_>, value: Value<'_>) -> Option<Hex> {
    let text = string(report, value)?;
    let hex = Hex::parse(text);
    if hex.is_none() {
        not_hex(
            report,
            value,
            text,
            r#"write pairs of digits, X for any: "80 0X XX""#,
        );
    }
    hex
}

/// Bytes in hexadecimal.
pub(super) fn bytes(report: &mut Report<'_>, value: Value<'_>) -> Option<Vec<u8>> {
    let text = string(report, value)?;
    let bytes = Hex::exact(text);
    if bytes.is_none() {
        not_hex(report, value, text, r#"write pairs of digits: "80 0a ff""#);
    }
    bytes
}

fn not_hex(report: &mut Report<'_>, value: Value<'_>, text: &str, hint: &str) {
    let subject = value.subject();
    report
        .error(
            &value.span(),
            format!("{subject} is not hexadecimal: {text:?}"),
        )
        .hint(hint);
}

/// Text that goes into a line of a protocol.
pub(super) fn line<'a>(report: &mut Report<'_>, value: Value<'a>) -> Option<&'a str> {
    let text = string(report, value)?;
    if text.contains(char::is_control) {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} has a control character: {text:?}"),
            )
            .hint("remove it");
        return None;
    }
    Some(text)
}

/// Text of at least one character.
pub(super) fn some_text(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    if text.is_empty() {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} is empty"))
            .hint("write what it shall be, or remove the key");
        return None;
    }
    Some(text.to_owned())
}

/// Two files that have a meaning only together. `Some(None)`: neither; `None`: wrong, and
/// reported.
pub(in crate::config) fn pair_of_files(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    keys: (&'static str, &'static str),
) -> Option<Option<(PathBuf, PathBuf)>> {
    let first = block.optional(report, keys.0, absolute_path)?;
    let second = block.optional(report, keys.1, absolute_path)?;
    let missing = match (first, second) {
        (None, None) => return Some(None),
        (Some(first), Some(second)) => return Some(Some((first, second))),
        (Some(_), None) => (keys.1, keys.0),
        (None, Some(_)) => (keys.0, keys.1),
    };
    let (missing, given) = missing;
    report.absent(
        &block.span,
        format!("`{missing}` is missing: `{given}` alone says not who lvx is"),
        format!("add `{missing} = …`"),
    );
    None
}
