//! How a program ended.

use std::fmt;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It exited with 0.
    Good,
    Exit(i32),
    Signal(i32),
    /// It was killed because it took longer than this.
    TimedOut(Duration),
    /// Why; a sentence.
    NotStarted(String),
    /// It was started, and cannot be found out about.
    Lost(String),
}

/// How a program ended, and its last words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub end: End,
    /// Of its output; without control characters, not longer than a line of a log.
    pub last_line: Option<String>,
}

impl Ended {
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self.end, End::Good)
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("exited with 0"),
            Self::Exit(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "was ended by {}", name(*signal)),
            Self::TimedOut(limit) => write!(f, "took longer than {limit:?} and was killed"),
            Self::NotStarted(why) | Self::Lost(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.last_line {
            Some(line) => write!(f, "{}: {line}", self.end),
            None => self.end.fmt(f),
        }
    }
}

fn name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGTERM => "SIGTERM",
        _ => return format!("signal {signal}"),
    };
    name.to_owned()
}
