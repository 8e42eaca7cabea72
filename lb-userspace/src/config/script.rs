//! Programs that lvx runs.

use std::path::PathBuf;
use std::time::Duration;

/// A program with its arguments, run without a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Script {
    /// Absolute.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Whose rights it has.
    pub user: String,
    /// It is killed, with all that it started, when it takes longer.
    pub timeout: Duration,
}
