//! A control group (version 2) for each program that runs: a child that leaves the process group
//! and the session (setsid) stays in it, and is killed with the others.
//!
//! Where there can be none (no cgroup2, a file system that is mounted read-only, an ordinary user)
//! the process group is all there is.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

const PREFIX: &str = "lvx-script-";

/// Those whose processes had not all ended yet when they were to be removed.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// See the module's description. All in it are killed when this is dropped.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
    entrance: File,
}

impl Cgroup {
    pub(super) fn make() -> Option<Self> {
        static PARENT: OnceLock<Option<PathBuf>> = OnceLock::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let parent = PARENT.get_or_init(parent).as_ref()?;
        remove_left();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&path).ok()?;
        match File::options().write(true).open(path.join("cgroup.procs")) {
            Ok(entrance) => Some(Self { path, entrance }),
            Err(_) => {
                // It is empty, and if it stays nobody minds.
                let _ = fs::remove_dir(&path);
                None
            }
        }
    }

    /// For [`enter`], as long as this lives.
    pub(super) fn entrance(&self) -> RawFd {
        self.entrance.as_raw_fd()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        kill(&self.path);
        if fs::remove_dir(&self.path).is_err() {
            let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
            left.push(std::mem::take(&mut self.path));
        }
    }
}

/// The calling process joins it. A system call alone: between fork and exec nothing else is
/// allowed. One that fails leaves the process where it was.
pub(super) fn enter(entrance: RawFd) {
    const OURSELVES: &[u8] = b"0";
    // SAFETY: the buffer is a literal of that length; the descriptor is open, or the call fails.
    unsafe { libc::write(entrance, OURSELVES.as_ptr().cast(), OURSELVES.len()) };
}

/// The control group of this daemon, if it may make others in it.
fn parent() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let parent = place(&mounts, &own)?;
    match sweep(&parent) {
        Ok(()) => Some(parent),
        Err(error) => {
            let parent = parent.display();
            tracing::debug!(%parent, %error, "no control groups for scripts");
            None
        }
    }
}

/// Where cgroup2 is mounted, and this process's group in it.
fn place(mounts: &str, own: &str) -> Option<PathBuf> {
    // proc_pid_mountinfo(5): the mount point is the fifth field, the type stands behind the dash.
    let of_type = mounts.lines().filter(|line| {
        let behind = line.split_once(" - ").map(|(_, behind)| behind);
        behind.is_some_and(|behind| behind.starts_with("cgroup2 "))
    });
    let point = of_type.filter_map(|line| line.split(' ').nth(4)).next()?;
    let group = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(point).join(group))
}

/// Removes what a daemon left that died, and tries whether groups can be made.
fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)?.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let owner = owner.and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            kill(&entry.path());
            let _ = fs::remove_dir(entry.path());
        }
    }
    let trial = parent.join(format!("{PREFIX}{}-trial", std::process::id()));
    fs::create_dir(&trial)?;
    fs::remove_dir(&trial)
}

/// Kernels before 5.14 have no such file: the process group was killed, at least.
fn kill(group: &Path) {
    let _ = fs::write(group.join("cgroup.kill"), "1");
}

fn remove_left() {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    left.retain(|path| {
        kill(path);
        fs::remove_dir(path).is_err() && path.exists()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_below_the_mount() {
        let unified = "24 1 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        let hybrid = "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
                      31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let service = "0::/system.slice/lvx.service\n";
        let at = |mounts, own| place(mounts, own).map(|path| path.display().to_string());
        assert_eq!(
            at(unified, service).as_deref(),
            Some("/sys/fs/cgroup/system.slice/lvx.service")
        );
        assert_eq!(
            at(hybrid, "4:memory:/x\n0::/\n").as_deref(),
            Some("/sys/fs/cgroup/unified/")
        );
        assert_eq!(at("30 24 0:26 / /proc rw - proc proc rw\n", service), None);
        assert_eq!(at(unified, "4:memory:/x\n"), None);
    }
}
