//! Network namespaces by name, as `ip netns` makes them.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};

/// Where `ip netns` keeps the names.
pub(crate) const NETNS_DIR: &str = "/run/netns";

/// A named network namespace. It is not removed on drop: the lab does that for all of its own.
#[derive(Debug, Clone)]
pub struct Netns {
    name: String,
}

impl Netns {
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(NETNS_DIR).join(&self.name)
    }

    /// A command in this namespace. By nsenter, which leaves /sys and with it every bpffs alone,
    /// where `ip netns exec` would mount a new /sys. The process keeps its id through nsenter.
    #[must_use]
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg("--")
            .arg(program);
        command
    }

    /// Runs `work` on a thread of its own that is in this namespace.
    #[must_use]
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<Result<T>> {
        let namespace = self.clone();
        std::thread::spawn(move || {
            namespace.enter()?;
            Ok(work())
        })
    }

    /// [`Self::spawn`] and wait for the result.
    ///
    /// # Errors
    /// The namespace could not be entered, or `work` panicked.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        join(self.spawn(work))
    }

    /// Moves the calling thread, and no other, into this namespace.
    fn enter(&self) -> Result<()> {
        let path = self.path();
        let file = File::open(&path).with_context(|| format!("opening {}", path.display()))?;
        // SAFETY: setns reads its two integers and `file` is open during the call.
        let result = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
        if result != 0 {
            return Err(std::io::Error::last_os_error())
                .with_context(|| format!("entering the namespace {}", self.name));
        }
        Ok(())
    }
}

/// Whether this process may make namespaces.
#[must_use]
pub fn is_root() -> bool {
    // SAFETY: geteuid has no arguments and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The result of a thread of [`Netns::spawn`].
///
/// # Errors
/// The namespace could not be entered, or the work panicked.
pub fn join<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    match thread.join() {
        Ok(result) => result,
        Err(_) => bail!("a thread in a network namespace panicked"),
    }
}

/// Runs a command to its end and gives its standard output.
///
/// # Errors
/// It could not be started or failed; the message has the command line and what it wrote.
pub fn output_of(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?}: {}: {text}{errors}", output.status);
    }
    Ok(text)
}
