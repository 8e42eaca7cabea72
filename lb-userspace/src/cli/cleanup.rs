//! `lvx cleanup`.

use std::path::Path;
use std::process::ExitCode;

use crate::daemon::cleanup;

use super::{FAILED, fail, print};

pub(super) fn run(config: Option<&Path>, all: bool) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &format!("cannot start: {error}")),
    };
    match runtime.block_on(cleanup::run(config, all)) {
        Ok(done) if done.is_empty() => print("nothing was left"),
        Ok(done) => print(&done.join("\n")),
        Err(error) => fail(FAILED, &error.to_string()),
    }
}
