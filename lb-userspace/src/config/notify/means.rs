//! By which means a target is told, and what they have in common.

use std::time::Duration;

use crate::config::block::{Block, Value};
use crate::config::reader::{absolute_path, at, string};
use crate::config::report::{At, Report};

use super::read::Around;
use super::{Means, Secret, command, mail, webhook};

#[derive(Clone, Copy)]
pub(super) enum Type {
    Mail,
    Webhook,
    Command,
}

pub(super) const TYPES: &[(&str, Type)] = &[
    ("mail", Type::Mail),
    ("webhook", Type::Webhook),
    ("command", Type::Command),
];

/// Of mail and webhooks.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const SHORTEST: Duration = Duration::from_millis(100);
pub(super) const LONGEST: Duration = Duration::from_secs(60);

pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    kind: Type,
    around: &Around<'_>,
) -> Option<Means> {
    match kind {
        Type::Mail => mail::read(report, block, around).map(|mail| Means::Mail(Box::new(mail))),
        Type::Webhook => webhook::read(report, block).map(|hook| Means::Webhook(Box::new(hook))),
        Type::Command => {
            command::read(report, block, around).map(|script| Means::Command(Box::new(script)))
        }
    }
}

/// A secret in the file, or in a file of its own. `Some(None)`: neither; `None`: wrong, and
/// reported.
pub(super) fn secret(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    keys: (&'static str, &'static str),
) -> Option<Option<Secret>> {
    let text = block.optional(report, keys.0, at(secret_text));
    let file = block.optional(report, keys.1, absolute_path);
    match (text?, file?) {
        (None, None) => Some(None),
        (Some(text), None) => Some(Some(Secret::Text(text.value))),
        (None, Some(path)) => Some(Some(Secret::File(path))),
        (Some(At { span, .. }), Some(_)) => {
            let (text, file) = keys;
            report
                .error(&span, format!("both `{text}` and `{file}` are given"))
                .hint("remove one of them");
            None
        }
    }
}

/// Messages never quote it.
fn secret_text(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    if text.is_empty() {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} is empty"))
            .hint("write what it is, or remove the key");
        return None;
    }
    Some(text.to_owned())
}
