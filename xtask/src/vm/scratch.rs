//! The directory of one machine: its image, its memory, its logs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context as _, Result};

const PREFIX: &str = "lvx-vm-";
const LOGS: [&str; 2] = ["kernel.log", "emulator.log"];

/// A directory that is removed on drop. Not below the target directory: User-mode Linux has a
/// socket in it, and the paths of sockets are short.
pub(super) struct Scratch {
    directory: PathBuf,
    name: String,
}

impl Scratch {
    /// Makes one, and removes those that killed owners left.
    pub(super) fn new(name: &str) -> Result<Self> {
        let parent = env::temp_dir();
        sweep(&parent);
        let directory = parent.join(format!("{PREFIX}{}-{name}", process::id()));
        fs::create_dir(&directory).with_context(|| format!("making {}", directory.display()))?;
        Ok(Self {
            directory,
            name: name.to_owned(),
        })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The emulator's last words.
    pub(super) fn emulator_said(&self) -> String {
        let said = fs::read_to_string(self.file("emulator.log")).unwrap_or_default();
        said.trim().lines().last().unwrap_or_default().to_owned()
    }

    /// Copies the logs, and `output`, to `<cache>/logs/<name>` and gives that path.
    pub(super) fn keep_logs(&self, cache: &Path, output: &[String]) -> Result<PathBuf> {
        let kept = cache.join("logs").join(&self.name);
        fs::create_dir_all(&kept)?;
        fs::write(kept.join("output.log"), output.join("\n"))?;
        for log in LOGS.iter().filter(|log| self.file(log).is_file()) {
            fs::copy(self.file(log), kept.join(log))?;
        }
        Ok(kept)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next one.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let owner = name.strip_prefix(PREFIX).and_then(|it| it.split_once('-'));
        let Some((owner, _)) = owner else { continue };
        if owner.parse::<u32>().is_ok() && !Path::new("/proc").join(owner).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
