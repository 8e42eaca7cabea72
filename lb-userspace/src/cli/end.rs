//! Commands that ask the daemon more than once: how they end.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::api::client;
use crate::api::shape::{Answer, Request};

use super::{FAILED, UNREACHABLE, fail, unreachable};

/// Why a command ended before its time.
pub(super) enum End {
    Unreachable(io::Error),
    Failed(String),
    /// The reader of our output has seen enough.
    Enough,
}

pub(super) fn exit(socket: &Path, ended: Result<(), End>) -> ExitCode {
    match ended {
        Ok(()) | Err(End::Enough) => ExitCode::SUCCESS,
        Err(End::Unreachable(error)) => fail(UNREACHABLE, &unreachable(socket, &error)),
        Err(End::Failed(error)) => fail(FAILED, &error),
    }
}

pub(super) fn ask(socket: &Path, request: &Request) -> Result<Answer, End> {
    match client::ask(socket, request) {
        Ok(Answer::Error(error)) => Err(End::Failed(error)),
        Ok(answer) => Ok(answer),
        Err(error) => Err(End::Unreachable(error)),
    }
}

pub(super) fn misunderstood() -> End {
    End::Failed("the daemon gave another answer: it is of another version".to_owned())
}

pub(super) fn unwritable(error: io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return End::Enough;
    }
    End::Failed(format!("cannot write: {error}"))
}
