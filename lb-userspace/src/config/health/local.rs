//! Checks that ask this host: `script`, `file`.

use std::time::Duration;

use crate::config::block::Block;
use crate::config::command::{Command, command, user};
use crate::config::reader::{absolute_path, integer};
use crate::config::report::Report;
use crate::config::{FileCheck, Script};

pub(super) fn script(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    script_user: &str,
    timeout: Duration,
) -> Option<Box<Script>> {
    let command = block.required(report, "command", command);
    let user = block.default(report, "user", script_user.to_owned(), user);
    let Command { program, arguments } = command?;
    Some(Box::new(Script {
        program,
        arguments,
        user: user?,
        timeout,
    }))
}

pub(super) fn file(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<FileCheck>> {
    let path = block.required(report, "file", absolute_path);
    let factor = block.optional(report, "weight", integer(-65_535, 65_535));
    Some(Box::new(FileCheck {
        path: path?,
        factor: factor?,
    }))
}
