//! Programs that lvx runs: `notify`, and the `script` of a `track`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Script;
use super::block::{Block, Kind, Value};
use super::reader::{list, name, string, time};
use super::report::{At, Report};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(10);

/// A program and its arguments.
pub(super) struct Command {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

/// `["/usr/local/bin/check", "eth0"]`.
pub(super) fn command(report: &mut Report<'_>, value: Value<'_>) -> Option<Command> {
    const FORM: &str = "write the program and its arguments, which no shell reads, as strings: \
                        [\"/usr/local/bin/check\", \"eth0\"]";
    if value.toml().as_array().is_none() {
        value.wrong_type(report, "an array").hint(FORM);
        return None;
    }
    let list = list(word)(report, value)?;
    let subject = value.subject();
    if !list.whole {
        return None;
    }
    let mut words = list.items.into_iter();
    let Some(At {
        value: program,
        span,
    }) = words.next()
    else {
        report
            .error(&value.span(), format!("{subject} is empty"))
            .hint(FORM);
        return None;
    };
    if !Path::new(&program).is_absolute() {
        report
            .error(
                &span,
                format!("the program of {subject} must be an absolute path, not {program:?}"),
            )
            .hint("start it with a slash: no PATH is searched");
        return None;
    }
    Some(Command {
        program: PathBuf::from(program),
        arguments: words.map(|word| word.value).collect(),
    })
}

fn word(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    if text.contains('\0') {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} has a zero byte"))
            .hint("remove it: no program can be given one");
        return None;
    }
    Some(text.to_owned())
}

/// Name of a user of this host.
pub(super) fn user(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = name(report, value)?;
    if text.contains(|c: char| matches!(c, ':' | '/' | ',') || c.is_whitespace()) {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not the name of a user: {text:?}"),
            )
            .hint("`getent passwd` lists this host's users");
        return None;
    }
    Some(text.to_owned())
}

/// `notify` of `block`: an array, or a table with more to say. `Some(None)`: absent; `None`:
/// wrong, and reported.
pub(super) fn notify(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    script_user: &str,
) -> Option<Option<Script>> {
    let value = block.take("notify");
    script(report, block, value, script_user)
}

/// What `value` of `block` says, if it is there, as `notify` does.
pub(super) fn script(
    report: &mut Report<'_>,
    block: &Block<'_>,
    value: Option<Value<'_>>,
    script_user: &str,
) -> Option<Option<Script>> {
    let Some(value) = value else {
        return Some(None);
    };
    let Some(table) = value.toml().as_table() else {
        let command = command(report, value)?;
        return Some(Some(Script {
            program: command.program,
            arguments: command.arguments,
            user: script_user.to_owned(),
            timeout: TIMEOUT,
        }));
    };
    let mut table = Block::new(Kind::Notify, value.span(), Some(table));
    let command = table.required(report, "command", command);
    let user = table.default(report, "user", script_user.to_owned(), user);
    let timeout = table.default(report, "timeout", TIMEOUT, time(SHORTEST, LONGEST));
    table.finish(report, Some(block));
    let Command { program, arguments } = command?;
    Some(Some(Script {
        program,
        arguments,
        user: user?,
        timeout: timeout?,
    }))
}
