//! Readers of single values: each gives the value, or reports why not.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::block::Value;
use super::duration::{self, DurationError};
use super::report::{At, Report};
use super::{suggest, unimplemented};

/// Names go into logs, JSON and command lines.
const LONGEST_NAME: usize = 64;
/// The kernel's IFNAMSIZ without the closing zero.
const LONGEST_INTERFACE: usize = 15;

pub(super) fn string<'a>(report: &mut Report<'_>, value: Value<'a>) -> Option<&'a str> {
    let text = value.toml().as_str();
    if text.is_none() {
        value.wrong_type(report, "a string");
    }
    text
}

pub(super) fn boolean(report: &mut Report<'_>, value: Value<'_>) -> Option<bool> {
    let truth = value.toml().as_bool();
    if truth.is_none() {
        value.wrong_type(report, "true or false");
    }
    truth
}

/// An integer from `min` to `max`, both of which `T` must hold.
pub(super) fn integer<T: TryFrom<i64>>(
    min: i64,
    max: i64,
) -> impl Fn(&mut Report<'_>, Value<'_>) -> Option<T> {
    let range = if max - min == 1 {
        format!("{min} or {max}")
    } else {
        format!("from {min} to {max}")
    };
    move |report, value| {
        let Some(integer) = value.toml().as_integer() else {
            value.wrong_type(report, &format!("an integer {range}"));
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|n| (min..=max).contains(n))
            .and_then(|n| T::try_from(n).ok());
        if number.is_none() {
            let subject = value.subject();
            report.error(
                &value.span(),
                format!("{subject} must be {range}, not {integer}"),
            );
        }
        number
    }
}

/// A span of time with its unit, from `min` to `max`.
pub(super) fn time(
    min: Duration,
    max: Duration,
) -> impl Fn(&mut Report<'_>, Value<'_>) -> Option<Duration> {
    move |report, value| {
        let subject = value.subject();
        if value.toml().is_integer() || value.toml().is_float() {
            report
                .error(&value.span(), format!("{subject} has no unit"))
                .hint(r#"write it as a string with a unit, like "500ms" or "2s""#);
            return None;
        }
        let text = string(report, value)?;
        let time = match duration::parse(text) {
            Ok(time) => time,
            Err(error) => {
                report
                    .error(&value.span(), format!("{subject} {error}: {text:?}"))
                    .hint(match error {
                        DurationError::NoUnit => {
                            r#"add a unit: ms, s, m, h or d, like "500ms" or "2s""#
                        }
                        DurationError::UnknownUnit => "the units are ms, s, m, h and d",
                        DurationError::NotANumber | DurationError::TooLong => {
                            r#"write a number and a unit, like "500ms", "1.5s" or "1h""#
                        }
                    });
                return None;
            }
        };
        if time < min || time > max {
            let (min, max) = (duration::show(min), duration::show(max));
            report.error(
                &value.span(),
                format!("{subject} must be from {min} to {max}, not {text}"),
            );
            return None;
        }
        Some(time)
    }
}

/// What `read` reads, or `"off"`, which is `None`.
pub(super) fn or_off<'a, T>(
    read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
) -> impl Fn(&mut Report<'_>, Value<'a>) -> Option<Option<T>> {
    move |report, value| match value.toml().as_str() {
        Some("off") => Some(None),
        Some(_) | None => read(report, value).map(Some),
    }
}

/// One of the words in `options`, in the order in which an error lists them.
pub(super) fn choice<T: Copy>(
    options: &'static [(&'static str, T)],
) -> impl Fn(&mut Report<'_>, Value<'_>) -> Option<T> {
    move |report, value| {
        let text = string(report, value)?;
        if let Some((_, choice)) = options.iter().find(|(word, _)| *word == text) {
            return Some(*choice);
        }
        let subject = value.subject();
        let words = || options.iter().map(|(word, _)| *word);
        let list = one_of(words().map(|word| format!("{word:?}")));
        if unimplemented::value(value.kind, value.key, text) {
            let what = format!("{subject} = {text:?}");
            report
                .error(&value.span(), unimplemented::message(&what))
                .hint(format!("use {list}"));
            return None;
        }
        let problem = report.error(
            &value.span(),
            format!("{subject} must be {list}, not {text:?}"),
        );
        if let Some(close) = suggest::closest(text, words()) {
            problem.hint(format!("did you mean {close:?}?"));
        }
        None
    }
}

/// Another reader's value with its place.
pub(super) fn at<'a, T>(
    read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
) -> impl Fn(&mut Report<'_>, Value<'a>) -> Option<At<T>> {
    move |report, value| {
        let span = value.span();
        read(report, value).map(|value| At { value, span })
    }
}

/// The elements that could be read.
pub(super) struct List<T> {
    pub(super) items: Vec<At<T>>,
    /// No element is missing because it was wrong.
    pub(super) whole: bool,
}

/// An array of what `read` reads.
pub(super) fn list<'a, T>(
    read: impl Fn(&mut Report<'_>, Value<'a>) -> Option<T>,
) -> impl Fn(&mut Report<'_>, Value<'a>) -> Option<List<T>> {
    let read = at(read);
    move |report, value| {
        let Some(array) = value.toml().as_array() else {
            value.wrong_type(report, "an array");
            return None;
        };
        let element = |node| Value {
            element: true,
            node,
            ..value
        };
        let items: Vec<_> = array
            .iter()
            .filter_map(|node| read(report, element(node)))
            .collect();
        let whole = items.len() == array.len();
        Some(List { items, whole })
    }
}

/// A name for people and programs: 1–64 characters, no control characters.
pub(super) fn name<'a>(report: &mut Report<'_>, value: Value<'a>) -> Option<&'a str> {
    let text = string(report, value)?;
    let fault = if text.trim().is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > LONGEST_NAME {
        format!("is longer than {LONGEST_NAME} characters")
    } else if text.contains(char::is_control) {
        "has a control character".to_owned()
    } else {
        return Some(text);
    };
    let subject = value.subject();
    report.error(&value.span(), format!("{subject} {fault}"));
    None
}

/// A name that the kernel takes for a network interface.
pub(super) fn interface(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    let fault = if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > LONGEST_INTERFACE {
        format!("is longer than {LONGEST_INTERFACE} bytes")
    } else if text == "." || text == ".." || text.contains(is_no_interface_character) {
        format!("is not an interface name: {text:?}")
    } else {
        return Some(text.to_owned());
    };
    let subject = value.subject();
    report
        .error(&value.span(), format!("{subject} {fault}"))
        .hint("`ip -brief link` lists this host's interfaces");
    None
}

fn is_no_interface_character(c: char) -> bool {
    matches!(c, '/' | ':') || c.is_whitespace() || c.is_control()
}

pub(super) fn absolute_path(report: &mut Report<'_>, value: Value<'_>) -> Option<PathBuf> {
    let text = string(report, value)?;
    let path = Path::new(text);
    if path.is_absolute() && !text.contains('\0') {
        return Some(path.to_owned());
    }
    let subject = value.subject();
    report
        .error(
            &value.span(),
            format!("{subject} must be an absolute path, not {text:?}"),
        )
        .hint("start it with a slash");
    None
}

/// `a, b or c`.
pub(super) fn one_of<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let last = items.pop().unwrap_or_default();
    if items.is_empty() {
        return last;
    }
    format!("{} or {last}", items.join(", "))
}
