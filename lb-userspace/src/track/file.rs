//! A file with a number in it.
//!
//! It is read five times a second. inotify would tell sooner, but not of files in /proc or on
//! network file systems, and it needs a watch on each directory that may be made, moved or
//! mounted over; reading a few bytes costs some microseconds and is always right.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Seen;

const PERIOD: Duration = Duration::from_millis(200);
/// No number is longer, with spaces around it.
const LONGEST: u64 = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Number(i64),
    /// As a writer leaves it for a moment between making it and writing.
    Empty,
    Wrong(String),
}

/// Looks at a file again and again.
#[derive(Debug)]
pub(super) struct Watch {
    path: PathBuf,
    ticks: Interval,
    told: Option<Seen>,
    was_empty: bool,
}

impl Watch {
    pub(super) fn new(path: PathBuf) -> Self {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            path,
            ticks,
            told: None,
            was_empty: false,
        }
    }

    /// Waits for what is there at first, and then for each change of it.
    pub(super) async fn next(&mut self) -> Seen {
        loop {
            self.ticks.tick().await;
            let path = self.path.clone();
            // A file system may hang.
            let content = tokio::task::spawn_blocking(move || read(&path)).await;
            let content = content.unwrap_or_else(|error| Content::Wrong(error.to_string()));
            if let Some(seen) = self.judge(content)
                && self.told.as_ref() != Some(&seen)
            {
                self.told = Some(seen.clone());
                return seen;
            }
        }
    }

    /// `None`: it will be seen at the next look.
    fn judge(&mut self, content: Content) -> Option<Seen> {
        let is_empty = content == Content::Empty;
        let was_empty = std::mem::replace(&mut self.was_empty, is_empty);
        match content {
            Content::Empty if !was_empty => None,
            Content::Empty => Some(Seen::Number(0)),
            Content::Number(number) => Some(Seen::Number(number)),
            Content::Wrong(words) => Some(Seen::NotWell(words)),
        }
    }
}

fn read(path: &Path) -> Content {
    match bytes(path) {
        Ok(bytes) => content(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Number(0),
        Err(error) => Content::Wrong(format!("cannot be read: {error}")),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn content(bytes: &[u8]) -> Content {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Content::Empty;
    }
    match text.parse() {
        Ok(number) => Content::Number(number),
        Err(_) => {
            let start: String = text.chars().take(20).collect();
            Content::Wrong(format!("has {start:?} in it, which is not a whole number"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_nothing_else() {
        for (text, number) in [
            ("0", 0),
            ("-12\n", -12),
            (" 7 ", 7),
            ("+3", 3),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(content(text.as_bytes()), Content::Number(number));
        }
        for text in ["", " \n"] {
            assert_eq!(content(text.as_bytes()), Content::Empty);
        }
        let zeros = "0".repeat(100) + "x";
        for text in ["one", "1.5", "1 2", "9223372036854775808", &zeros] {
            let Content::Wrong(words) = content(text.as_bytes()) else {
                panic!("{text}");
            };
            assert!(words.contains("not a whole number"), "{words}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_just_being_written_does_not_count() {
        let mut watch = Watch::new("/run/x".into());
        let one = || Content::Number(1);
        for (content, seen) in [
            (Content::Empty, None),
            (one(), Some(Seen::Number(1))),
            (Content::Empty, None),
            (one(), Some(Seen::Number(1))),
            (Content::Empty, None),
            (Content::Empty, Some(Seen::Number(0))),
        ] {
            assert_eq!(watch.judge(content), seen);
        }
    }

    #[test]
    fn what_is_no_file_is_told() {
        assert_eq!(read(Path::new("/nonexistent/file")), Content::Number(0));
        for path in ["/tmp", "/dev/zero", "/proc/self/mem"] {
            let content = read(Path::new(path));
            assert!(matches!(content, Content::Wrong(_)), "{path}: {content:?}");
        }
    }
}
