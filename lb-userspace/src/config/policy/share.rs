//! Numbers of real servers, and parts of all of them: `2`, `"50%"`.

use super::super::Share;
use super::super::block::Value;
use super::super::reader::{integer, string};
use super::super::report::Report;

/// A number from 1 on, or a part in percent.
pub(super) fn share(report: &mut Report<'_>, value: Value<'_>) -> Option<Share> {
    if value.toml().as_str().is_some() {
        return percent(report, value).map(Share::Percent);
    }
    if value.toml().as_integer().is_none() {
        value.wrong_type(report, "a number of servers, or a part like \"50%\"");
        return None;
    }
    integer(1, 65_535)(report, value).map(Share::Count)
}

/// `"30%"`, from 1 to 100.
pub(super) fn percent(report: &mut Report<'_>, value: Value<'_>) -> Option<u8> {
    let subject = value.subject();
    if value.toml().is_integer() {
        report
            .error(
                &value.span(),
                format!("{subject} must be a part in percent"),
            )
            .hint("write it as a string, like \"30%\"");
        return None;
    }
    let text = string(report, value)?;
    let digits = text.strip_suffix('%').unwrap_or_default();
    let number = digits.parse().ok().filter(|n| (1..=100).contains(n));
    if number.is_none() {
        report.error(
            &value.span(),
            format!("{subject} must be from \"1%\" to \"100%\", not {text:?}"),
        );
    }
    number
}
