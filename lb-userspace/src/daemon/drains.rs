//! Drains outlive the daemon: `drains.json` in its runtime directory.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{fs, process};

use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::health::Subject;

/// As [`Control::drains`] has them.
type All = BTreeMap<Subject, Option<Instant>>;

/// One drain in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    service: String,
    real_server: IpAddr,
    /// Milliseconds since 1970 (UTC); `null`: none.
    deadline: Option<u64>,
}

/// The same moment on both clocks: deadlines are counted by the one, and written by the other.
#[derive(Debug, Clone, Copy)]
struct Now {
    instant: Instant,
    wall: SystemTime,
}

impl Now {
    fn read() -> Self {
        Self {
            instant: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    fn to_wall(self, deadline: Instant) -> u64 {
        let left = deadline.saturating_duration_since(self.instant);
        let ago = self.instant.saturating_duration_since(deadline);
        let since_1970 = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = (since_1970 + left).saturating_sub(ago);
        u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
    }

    /// A deadline that has passed is now. `None`: later than the clock goes.
    fn to_instant(self, deadline: u64) -> Option<Instant> {
        let since_1970 = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(deadline).saturating_sub(since_1970);
        self.instant.checked_add(left)
    }
}

/// The file, and what was written to it.
pub(super) struct Drains {
    path: PathBuf,
    written: All,
}

impl Drains {
    /// Gives `control` the drains of an earlier daemon.
    pub(super) fn restore(directory: &Path, control: &mut Control) -> Self {
        let path = directory.join("drains.json");
        let now = Now::read();
        let left = read(&path, now).unwrap_or_else(|error| {
            let path = path.display();
            tracing::warn!(%path, %error, "no drains are taken over from an earlier daemon");
            All::new()
        });
        control.restore_drains(left.clone(), now.instant);
        for Subject {
            service,
            real_server,
        } in control.drains().keys()
        {
            tracing::info!(service, %real_server, "drained, as before the start");
        }
        Self {
            path,
            written: left,
        }
    }

    /// Writes the drains of `control` if they are others than before.
    pub(super) fn record(&mut self, control: &Control) -> io::Result<()> {
        let drains = control.drains();
        if *drains != self.written {
            write(&self.path, drains, Now::read())?;
            self.written.clone_from(drains);
        }
        Ok(())
    }
}

/// None if there is no file.
fn read(path: &Path, now: Now) -> io::Result<All> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(All::new()),
        Err(error) => return Err(error),
    };
    let entries: Vec<Entry> = serde_json::from_slice(&bytes)?;
    let drain = |entry: Entry| {
        let subject = Subject {
            service: entry.service,
            real_server: entry.real_server,
        };
        let deadline = entry.deadline.and_then(|at| now.to_instant(at));
        (subject, deadline)
    };
    Ok(entries.into_iter().map(drain).collect())
}

/// Whole or not at all: a crash leaves the file as it was.
fn write(path: &Path, drains: &All, now: Now) -> io::Result<()> {
    let entry = |(subject, deadline): (&Subject, &Option<Instant>)| Entry {
        service: subject.service.clone(),
        real_server: subject.real_server,
        deadline: deadline.map(|deadline| now.to_wall(deadline)),
    };
    let entries: Vec<Entry> = drains.iter().map(entry).collect();
    let new = path.with_extension(format!("json.{}", process::id()));
    let mut text = serde_json::to_string_pretty(&entries)?;
    text.push('\n');
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("lvx-drains-{}-{test}.json", process::id()))
    }

    fn subject(service: &str) -> Subject {
        Subject {
            service: service.to_owned(),
            real_server: "192.0.2.21".parse().unwrap(),
        }
    }

    /// The same wall clock, another instant, as after a restart.
    fn later(now: Now, by: Duration) -> Now {
        Now {
            instant: now.instant + Duration::from_secs(1000) + by,
            wall: now.wall + by,
        }
    }

    #[test]
    fn deadlines_go_by_the_wall_clock() {
        let path = file("round-trip");
        let (second, now) = (Duration::from_secs(1), Now::read());
        let drains = All::from([
            (subject("for good"), None),
            (subject("soon"), Some(now.instant + 10 * second)),
            (subject("late"), Some(now.instant + 3600 * second)),
        ]);
        write(&path, &drains, now).unwrap();
        let then = later(now, 60 * second);
        let read = read(&path, then).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read[&subject("for good")], None);
        assert_eq!(read[&subject("soon")], Some(then.instant));
        // A millisecond is the file's precision.
        let left = read[&subject("late")].unwrap() - then.instant;
        assert!(left <= 3540 * second && left > 3539 * second, "{left:?}");
    }

    #[test]
    fn a_deadline_that_has_passed_stays_in_the_past() {
        let now = Now::read();
        let then = later(now, Duration::from_secs(60));
        let at = then.to_wall(then.instant - Duration::from_secs(30));
        assert!(at < then.to_wall(then.instant));
        assert_eq!(then.to_instant(at), Some(then.instant));
    }

    #[test]
    fn no_file_is_no_drain_and_garbage_is_an_error() {
        let path = file("garbage");
        assert_eq!(read(&path, Now::read()).unwrap(), All::new());
        fs::write(&path, "[{\"service\": 1").unwrap();
        let garbage = read(&path, Now::read());
        fs::remove_file(&path).unwrap();
        assert!(garbage.is_err());
    }
}
