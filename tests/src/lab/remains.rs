//! What a lab leaves on the host, found by its name alone, so that it can be removed by its
//! owner, after a crash of its owner, or by hand.
//!
//! A lab `lvx-lab-<pid>-<n>` is the directory of that name in the temporary directory, a bpffs
//! mounted in it, namespaces `lvx-lab-<pid>-<n>-<host>`, and the processes in them. Its owner holds
//! a lock on the file `lock` in the directory: a lab whose lock is free has no owner.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::netns::{NETNS_DIR, output_of};

const PREFIX: &str = "lvx-lab-";
const LOCK: &str = "lock";
const KEPT: &str = "kept";
const BPFFS: &str = "bpf";

/// The name and the directory of a lab that this process owns. Drop removes the whole lab.
#[derive(Debug)]
pub(crate) struct Remains {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    kept: bool,
    _lock: File,
}

impl Remains {
    /// A new, empty lab directory with a bpffs mounted in it.
    pub(crate) fn create() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(&name);
        // Made under another name, so that nobody finds it before its lock is held.
        let draft = std::env::temp_dir().join(format!("new-{name}"));
        fs::create_dir_all(&draft).with_context(|| format!("making {}", draft.display()))?;
        let lock = File::create(draft.join(LOCK)).context("making the lock of a lab")?;
        lock.lock().context("locking a lab")?;
        fs::rename(&draft, &dir).with_context(|| format!("making {}", dir.display()))?;
        let remains = Self {
            name,
            dir,
            kept: false,
            _lock: lock,
        };
        fs::create_dir(remains.bpffs()).context("making the mount point of a bpffs")?;
        output_of(
            Command::new("mount")
                .args(["-t", "bpf", "bpf"])
                .arg(remains.bpffs()),
        )?;
        Ok(remains)
    }

    pub(crate) fn bpffs(&self) -> PathBuf {
        self.dir.join(BPFFS)
    }

    /// Marks the lab as one that outlives its owner until [`sweep`] is told to take it too.
    pub(crate) fn keep(&mut self) -> Result<()> {
        File::create(self.dir.join(KEPT)).context("marking the lab as kept")?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = remove(&self.name, &self.dir) {
            eprintln!("removing the lab {}: {error:#}", self.name);
        }
    }
}

/// Removes the labs that have no owner any more; kept ones only if `kept_too`. Gives the names.
///
/// # Errors
/// A lab could not be removed.
pub fn sweep(kept_too: bool) -> Result<Vec<String>> {
    let mut removed = Vec::new();
    for entry in fs::read_dir(std::env::temp_dir()).context("reading the temporary directory")? {
        let entry = entry.context("reading the temporary directory")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let dir = entry.path();
        if !name.starts_with(PREFIX) || (dir.join(KEPT).exists() && !kept_too) {
            continue;
        }
        let Ok(lock) = File::open(dir.join(LOCK)) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => remove(&name, &dir)?,
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error).context("locking a lab"),
        }
        removed.push(name);
    }
    Ok(removed)
}

fn remove(name: &str, dir: &Path) -> Result<()> {
    for namespace in namespaces(name)? {
        let path = Path::new(NETNS_DIR).join(&namespace);
        kill_all_in(&path)?;
        output_of(Command::new("ip").args(["netns", "del", &namespace]))?;
    }
    let bpffs = dir.join(BPFFS);
    if is_mount_point(&bpffs) {
        output_of(Command::new("umount").arg(&bpffs))?;
    }
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", dir.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The names of the namespaces of the lab `name`.
fn namespaces(name: &str) -> Result<Vec<String>> {
    let entries = match fs::read_dir(NETNS_DIR) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).context("reading the list of namespaces"),
    };
    let prefix = format!("{name}-");
    Ok(entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|namespace| namespace.starts_with(&prefix))
        .collect())
}

/// Kills the processes in a namespace and waits until they have left it.
fn kill_all_in(namespace: &Path) -> Result<()> {
    let Ok(wanted) = fs::metadata(namespace).map(|it| (it.dev(), it.ino())) else {
        return Ok(());
    };
    wait_gone(|| {
        let mut left = 0;
        for entry in fs::read_dir("/proc").context("reading /proc")?.flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            let here = fs::metadata(entry.path().join("ns/net"))
                .is_ok_and(|it| (it.dev(), it.ino()) == wanted);
            if !here || pid.unsigned_abs() == std::process::id() {
                continue;
            }
            left += 1;
            // SAFETY: kill takes two integers; the process is in a namespace of our own lab.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        Ok(left == 0)
    })
}

/// As `wait_until`, but also after an interruption: cleaning up is what follows one.
fn wait_gone(mut gone: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..1000 {
        if gone()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("processes of a lab are still there 5 s after they were killed")
}

fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).ok().map(|it| it.dev());
    match (device(path), path.parent().and_then(device)) {
        (Some(own), Some(parent)) => own != parent,
        (None, _) | (_, None) => false,
    }
}
