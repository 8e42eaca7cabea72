//! `type = "command"`.

use std::time::Duration;

use crate::config::Script;
use crate::config::block::Block;
use crate::config::command::{Command, command, user};
use crate::config::reader::time;
use crate::config::report::Report;

use super::means::{SHORTEST, TIMEOUT};
use super::read::Around;

const LONGEST: Duration = Duration::from_secs(300);

pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    around: &Around<'_>,
) -> Option<Script> {
    let command = block.required(report, "command", command);
    let user = block.default(report, "user", around.script_user.to_owned(), user);
    let timeout = block.default(report, "timeout", TIMEOUT, time(SHORTEST, LONGEST));
    let Command { program, arguments } = command?;
    Some(Script {
        program,
        arguments,
        user: user?,
        timeout: timeout?,
    })
}
