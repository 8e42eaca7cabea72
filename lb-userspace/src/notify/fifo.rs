//! The named pipe that gets a line for each change. It never blocks: without a reader, or when
//! the reader does not keep up, lines are lost and counted.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Whoever reads it must be let in by root.
const MODE: libc::mode_t = 0o600;

#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    pipe: Option<File>,
    written: u64,
    dropped: u64,
    /// Since a line last got through.
    dropped_in_a_row: u64,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// So many before it were lost.
    Done {
        lost: u64,
    },
    /// The first one in a row, and why.
    Lost {
        why: String,
    },
    LostAgain,
}

impl Fifo {
    /// Makes the pipe if there is none.
    ///
    /// # Errors
    /// There is something else, or it cannot be made; a sentence.
    pub fn prepare(path: &Path) -> Result<Self, String> {
        make(path)?;
        Ok(Self {
            path: path.to_owned(),
            pipe: None,
            written: 0,
            dropped: 0,
            dropped_in_a_row: 0,
        })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines written, and lines lost.
    #[must_use]
    pub const fn counts(&self) -> (u64, u64) {
        (self.written, self.dropped)
    }

    pub fn write(&mut self, line: &str) -> Written {
        match self.try_write(line) {
            Ok(()) => {
                self.written += 1;
                let lost = std::mem::take(&mut self.dropped_in_a_row);
                Written::Done { lost }
            }
            Err(why) => {
                self.dropped += 1;
                self.dropped_in_a_row += 1;
                match self.dropped_in_a_row {
                    1 => Written::Lost { why },
                    _ => Written::LostAgain,
                }
            }
        }
    }

    fn try_write(&mut self, line: &str) -> Result<(), String> {
        let path = self.path.display();
        // A line is below PIPE_BUF: it is written whole or not at all, pipe(7).
        if let Some(pipe) = &mut self.pipe {
            match pipe.write_all(line.as_bytes()) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(format!("the reader of {path} does not keep up"));
                }
                // Its reader is gone; there may be another one.
                Err(_) => self.pipe = None,
            }
        }
        make(&self.path)?;
        let mut pipe = open(&self.path).map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO) => format!("nobody reads {path}"),
            Some(_) | None => format!("cannot open {path}: {error}"),
        })?;
        let written = pipe.write_all(line.as_bytes());
        written.map_err(|error| format!("cannot write to {path}: {error}"))?;
        self.pipe = Some(pipe);
        Ok(())
    }
}

fn make(path: &Path) -> Result<(), String> {
    let shown = path.display();
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_fifo() => Ok(()),
        Ok(_) => Err(format!(
            "{shown} is not a named pipe: remove it, or set another notify_fifo"
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = CString::new(path.as_os_str().as_bytes());
            let name = name.map_err(|error| format!("{shown}: {error}"))?;
            // SAFETY: mkfifo reads a C string that lives during the call.
            if unsafe { libc::mkfifo(name.as_ptr(), MODE) } == 0 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            Err(format!("cannot make the named pipe {shown}: {error}"))
        }
        Err(error) => Err(format!("{shown}: {error}")),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let pipe = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path)?;
    if !pipe.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("it is not a named pipe"));
    }
    Ok(pipe)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn path(test: &str) -> PathBuf {
        let name = format!("lvx-fifo-{}-{test}", std::process::id());
        std::env::temp_dir().join(name)
    }

    fn reader(path: &Path) -> File {
        let mut options = OpenOptions::new();
        let options = options.read(true).custom_flags(libc::O_NONBLOCK);
        options.open(path).unwrap()
    }

    fn read(mut file: &File) -> String {
        let mut bytes = [0; 1 << 17];
        let length = file.read(&mut bytes).unwrap_or_default();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn lines_without_a_reader_are_lost_and_counted() {
        let path = path("reader");
        let mut fifo = Fifo::prepare(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let Written::Lost { why } = fifo.write("one\n") else {
            panic!("nobody reads");
        };
        assert!(why.starts_with("nobody reads /"), "{why}");
        assert_eq!(fifo.write("two\n"), Written::LostAgain);
        let first = reader(&path);
        assert_eq!(fifo.write("three\n"), Written::Done { lost: 2 });
        assert_eq!(fifo.write("four\n"), Written::Done { lost: 0 });
        assert_eq!(read(&first), "three\nfour\n");
        drop(first);
        assert!(matches!(fifo.write("five\n"), Written::Lost { .. }));
        let second = reader(&path);
        assert_eq!(fifo.write("six\n"), Written::Done { lost: 1 });
        assert_eq!(read(&second), "six\n");
        assert_eq!(fifo.counts(), (3, 3));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_full_pipe_costs_lines_and_no_time() {
        let path = path("full");
        let mut fifo = Fifo::prepare(&path).unwrap();
        let slow = reader(&path);
        let line = "x".repeat(999) + "\n";
        let why = (0..1000).find_map(|_| match fifo.write(&line) {
            Written::Lost { why } => Some(why),
            Written::Done { .. } | Written::LostAgain => None,
        });
        assert!(why.unwrap().contains("does not keep up"));
        let (written, _) = fifo.counts();
        let mut lines = 0;
        loop {
            let text = read(&slow);
            assert!(text.lines().all(|line| line.len() == 999), "whole lines");
            if text.is_empty() {
                break;
            }
            lines += u64::try_from(text.lines().count()).unwrap();
        }
        assert_eq!(lines, written);
        assert!(matches!(fifo.write("again\n"), Written::Done { lost } if lost > 0));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_is_no_pipe_is_refused() {
        let path = path("file");
        fs::write(&path, "precious").unwrap();
        let refused = Fifo::prepare(&path).unwrap_err();
        assert!(refused.contains("is not a named pipe"), "{refused}");
        fs::remove_file(&path).unwrap();
        let mut fifo = Fifo::prepare(&path).unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert!(matches!(fifo.write("line\n"), Written::Lost { .. }));
        fs::remove_file(&path).unwrap();
        let missing = Fifo::prepare(Path::new("/nonexistent/fifo")).unwrap_err();
        assert!(missing.contains("cannot make the named pipe"), "{missing}");
    }
}
