//! The pin directory on the bpffs.
//!
//! New maps are pinned in a `staging` directory and renamed over the old ones when the new
//! program is attached: what is pinned under the public names always belongs to a program that
//! forwards. bpffs refuses dots in names, so those of interfaces are escaped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const STAGING: &str = "staging";
const LINK_PREFIX: &str = "link_";
/// `statfs` magic of bpffs (include/uapi/linux/magic.h).
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// Names of the maps that are pinned.
pub(super) const MAPS: [&str; 17] = [
    "services",
    "service_index",
    "tables",
    "real_servers",
    "counters",
    "reasons",
    "interfaces",
    "tx_ports",
    "entries",
    "loads",
    "cursors",
    "exceptions",
    "persistence",
    "flows",
    "settings",
    "notes",
    "opened",
];

#[derive(Debug)]
pub(super) struct Pins {
    directory: PathBuf,
    /// Our maps are in `staging`.
    staged: bool,
}

impl Pins {
    /// Makes the directory, readable by root alone, with an empty `staging` in it.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let pins = Self {
            directory: directory.to_owned(),
            staged: true,
        };
        pins.clear_staging()?;
        fs::create_dir_all(pins.staging())?;
        if !is_bpffs(directory)? {
            fs::remove_dir(pins.staging())?;
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "{} is not on a bpffs: mount one with `mount -t bpf bpf /sys/fs/bpf`, or set \
                     [global] bpffs to a directory on one",
                    directory.display()
                ),
            ));
        }
        Ok(pins)
    }

    /// Of maps that are published already.
    pub(super) fn published(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            staged: false,
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn staging(&self) -> PathBuf {
        self.directory.join(STAGING)
    }

    /// Where a map is pinned now.
    pub(super) fn path(&self, map: &str) -> PathBuf {
        if self.staged {
            self.staging().join(map)
        } else {
            self.directory.join(map)
        }
    }

    /// Where the link of an interface is pinned.
    pub(super) fn link(&self, interface: &str) -> PathBuf {
        let escaped = interface.replace('.', "_");
        self.directory.join(format!("{LINK_PREFIX}{escaped}"))
    }

    /// Renames the staged maps to their public names, over those of an earlier daemon.
    pub(super) fn publish(&mut self) -> io::Result<()> {
        if !self.staged {
            return Ok(());
        }
        for map in MAPS {
            fs::rename(self.path(map), self.directory.join(map))?;
        }
        self.staged = false;
        fs::remove_dir(self.staging())
    }

    /// Links that are pinned for interfaces other than `kept`: their programs forward until
    /// the pin is removed.
    pub(super) fn remove_other_links(&self, kept: &[&str]) -> io::Result<Vec<String>> {
        let mut removed = Vec::new();
        let kept: Vec<PathBuf> = kept.iter().map(|name| self.link(name)).collect();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(LINK_PREFIX) && !kept.contains(&path) {
                fs::remove_file(&path)?;
                removed.push(name.into_owned());
            }
        }
        Ok(removed)
    }

    /// Removes every pin, links first, and the directory.
    pub(super) fn remove_all(&self) -> io::Result<()> {
        self.remove_other_links(&[])?;
        self.clear_staging()?;
        for map in MAPS {
            ignore_missing(fs::remove_file(self.directory.join(map)))?;
        }
        ignore_missing(fs::remove_dir(&self.directory))
    }

    fn clear_staging(&self) -> io::Result<()> {
        for map in MAPS {
            ignore_missing(fs::remove_file(self.staging().join(map)))?;
        }
        ignore_missing(fs::remove_dir(self.staging()))
    }
}

/// Removes every pin in `directory`, if it is there.
pub(super) fn remove_left(directory: &Path) -> io::Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    Pins::published(directory).remove_all()
}

/// Removes the pins of links in `directory`, if it is there.
pub(super) fn detach_left(directory: &Path) -> io::Result<Vec<String>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    Pins::published(directory).remove_other_links(&[])
}

/// What was never published is of no use to anybody.
impl Drop for Pins {
    fn drop(&mut self) {
        if let Err(error) = self.clear_staging() {
            tracing::warn!(directory = %self.directory.display(), %error, "cannot clear staged pins");
        }
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn is_bpffs(directory: &Path) -> io::Result<bool> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(directory.as_os_str().as_bytes())?;
    // SAFETY: `statfs` is made of integers, and both pointers are live.
    let (result, statfs) = unsafe {
        let mut statfs: libc::statfs = std::mem::zeroed();
        (libc::statfs(path.as_ptr(), &raw mut statfs), statfs)
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(statfs.f_type == BPF_FS_MAGIC)
}
