//! `auth` of a VRRP instance.

use super::block::{Block, Kind, Value};
use super::reader::{at, choice, string};
use super::report::{At, Report};
use super::{Auth, Version};

const TYPES: &[(&str, Type)] = &[("none", Type::None), ("pass", Type::Pass)];

#[derive(Clone, Copy)]
enum Type {
    None,
    Pass,
}

pub(super) fn read(
    report: &mut Report<'_>,
    instance: &mut Block<'_>,
    version: Option<Version>,
) -> Option<Auth> {
    let Some(mut block) = instance.block(report, "auth", Kind::Auth) else {
        return Some(Auth::None);
    };
    let kind = block.required(report, "type", at(choice(TYPES)));
    let auth = match &kind {
        Some(At {
            value: Type::Pass,
            span,
        }) => {
            let password = block.required(report, "password", password);
            match version {
                Some(Version::V3) => {
                    report
                        .error(span, "VRRP version 3 has no authentication")
                        .hint("RFC 9568 took it out: remove `auth`, or use version = 2 everywhere");
                    None
                }
                Some(Version::V2) => password.map(Auth::Pass),
                None => None,
            }
        }
        Some(At {
            value: Type::None, ..
        }) => {
            if let Some(Some(unused)) = block.optional(report, "password", at(string)) {
                report
                    .error(&unused.span, "`password` is given, but `type` is \"none\"")
                    .hint("remove it, or write `type = \"pass\"`");
            }
            Some(Auth::None)
        }
        None => {
            // So that the password is not called unknown as well.
            block.optional(report, "password", password);
            None
        }
    };
    block.finish(report, Some(instance));
    auth
}

/// Messages never quote it.
fn password(report: &mut Report<'_>, value: Value<'_>) -> Option<[u8; 8]> {
    let text = string(report, value)?;
    let mut bytes = [0; 8];
    let fits = (1..=bytes.len()).contains(&text.len());
    if !fits || !text.bytes().all(|b| b.is_ascii() && !b.is_ascii_control()) {
        report
            .error(
                &value.span(),
                "`password` must be 1 to 8 printable ASCII characters",
            )
            .hint("VRRP version 2 sends eight bytes, in clear text");
        return None;
    }
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Some(bytes)
}
