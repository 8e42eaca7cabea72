//! The answers that are wanted: status and body.

use std::ops::RangeInclusive;

use crate::config::block::{Block, Kind, Value};
use crate::config::health::value::some_text;
use crate::config::reader::string;
use crate::config::report::Report;
use crate::config::{BodyWanted, Hex, Pattern};

/// 200, "200-299", or an array of them.
pub(super) fn status(
    report: &mut Report<'_>,
    value: Value<'_>,
) -> Option<Vec<RangeInclusive<u16>>> {
    let Some(array) = value.toml().as_array() else {
        return statuses(report, value).map(|range| vec![range]);
    };
    if array.is_empty() {
        report
            .error(&value.span(), "`status` is empty")
            .hint("write what is right: [200, \"300-399\"]");
        return None;
    }
    let element = |node| Value {
        element: true,
        node,
        ..value
    };
    let ranges: Vec<_> = array
        .iter()
        .filter_map(|node| statuses(report, element(node)))
        .collect();
    (ranges.len() == array.len()).then_some(ranges)
}

fn statuses(report: &mut Report<'_>, value: Value<'_>) -> Option<RangeInclusive<u16>> {
    let toml = value.toml();
    let text = match (toml.as_integer(), toml.as_str()) {
        (Some(number), _) => number.as_str(),
        (None, Some(text)) => text,
        (None, None) => "",
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| text.parse::<u16>().ok().filter(|n| (100..=599).contains(n));
    let range = code(first)
        .zip(code(last))
        .filter(|(first, last)| first <= last);
    if range.is_none() {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} is not a status of HTTP"))
            .hint("write a number from 100 to 599, or a range: \"200-299\"");
    }
    range.map(|(first, last)| first..=last)
}

/// `Some(None)`: absent; `None`: wrong, and reported.
pub(super) fn body(report: &mut Report<'_>, outer: &mut Block<'_>) -> Option<Option<BodyWanted>> {
    let Some(value) = outer.take("body") else {
        return Some(None);
    };
    const FORM: &str = r#"write one of { contains = "…" }, { regex = "…" } and { sha256 = "…" }"#;
    let Some(table) = value.toml().as_table() else {
        value.wrong_type(report, "a table").hint(FORM);
        return None;
    };
    let mut block = Block::new(Kind::Body, value.span(), Some(table));
    let contains = block.optional(report, "contains", some_text);
    let regex = block.optional(report, "regex", regex);
    let sha256 = block.optional(report, "sha256", sha256);
    block.finish(report, Some(outer));
    match (contains?, regex?, sha256?) {
        (Some(text), None, None) => Some(Some(BodyWanted::Contains(text))),
        (None, Some(pattern), None) => Some(Some(BodyWanted::Matches(pattern))),
        (None, None, Some(digest)) => Some(Some(BodyWanted::Sha256(digest))),
        _ => {
            report
                .error(&value.span(), "`body` must say one thing")
                .hint(FORM);
            None
        }
    }
}

fn regex(report: &mut Report<'_>, value: Value<'_>) -> Option<Pattern> {
    let text = string(report, value)?;
    match Pattern::new(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let subject = value.subject();
            // Its last line says what, those before it draw where.
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default();
            let why = why.trim_start_matches("error: ");
            report
                .error(
                    &value.span(),
                    format!("{subject} is not a regular expression: {why}"),
                )
                .hint("the syntax is that of the Rust crate regex; quote it with '…' in TOML");
            None
        }
    }
}

fn sha256(report: &mut Report<'_>, value: Value<'_>) -> Option<[u8; 32]> {
    let text = string(report, value)?;
    let digest = Hex::exact(text).and_then(|bytes| bytes.try_into().ok());
    if digest.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not a SHA-256 digest: {text:?}"),
            )
            .hint("64 digits, as `curl URL | sha256sum` prints them");
    }
    digest
}
