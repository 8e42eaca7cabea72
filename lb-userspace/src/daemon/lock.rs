//! One daemon per runtime directory.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::DaemonError;

/// Holds `lvx.pid`, locked; the file goes with it.
pub(super) struct Lock {
    directory: PathBuf,
    _file: File,
}

impl Lock {
    /// Makes the directory if it is not there, and claims it.
    pub(super) fn take(directory: &Path) -> Result<Self, DaemonError> {
        let path = directory.join("lvx.pid");
        let name = || path.display().to_string();
        fs::create_dir_all(directory).map_err(DaemonError::io(directory.display().to_string()))?;
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(DaemonError::io(name()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // For the message alone.
                let _ = file.read_to_string(&mut pid);
                let error = io::Error::other(format!(
                    "another lvx runs with this runtime_dir, process {}",
                    pid.trim()
                ));
                return Err(DaemonError::io(name())(error));
            }
            Err(TryLockError::Error(error)) => return Err(DaemonError::io(name())(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(DaemonError::io(name()))?;
        Ok(Self {
            directory: directory.to_owned(),
            _file: file,
        })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The lock itself ends with the open file.
        let _ = fs::remove_file(self.directory.join("lvx.pid"));
    }
}
