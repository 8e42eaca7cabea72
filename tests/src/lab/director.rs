//! A director: its host, its configuration file and its `lvx` daemon.

mod ask;
mod host;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Output};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::lab::real_server::spawn_logged;
use crate::lab::topology::Role;
use crate::netns::Netns;
use crate::wait::{wait_for, wait_until};

/// Time in which a daemon must start, stop, or change its state on request.
const PATIENCE: Duration = Duration::from_secs(15);

/// A director's host and daemon.
#[derive(Debug)]
pub struct Director {
    pub netns: Netns,
    number: u8,
    dir: PathBuf,
    bpffs: PathBuf,
    lvx: PathBuf,
    daemon: Option<Child>,
}

impl Director {
    pub(crate) fn new(
        netns: Netns,
        number: u8,
        lab_dir: &Path,
        bpffs: &Path,
        lvx: &Path,
    ) -> Result<Self> {
        let name = Role::Director(number).name();
        let dir = lab_dir.join(&name);
        fs::create_dir(&dir).with_context(|| format!("making {}", dir.display()))?;
        Ok(Self {
            netns,
            number,
            dir,
            bpffs: bpffs.join(&name),
            lvx: lvx.to_owned(),
            daemon: None,
        })
    }

    #[must_use]
    pub fn name(&self) -> String {
        Role::Director(self.number).name()
    }

    /// Where its maps and links are pinned.
    #[must_use]
    pub fn bpffs(&self) -> &Path {
        &self.bpffs
    }

    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir().join("lvx.sock")
    }

    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.dir.join("lvx.toml")
    }

    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.dir.join("lvx.log")
    }

    #[must_use]
    pub fn runtime_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// Replaces the configuration file; the daemon does not know before a reload.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, text: &str) -> Result<()> {
        fs::write(self.config_file(), text).context("writing a configuration")
    }

    /// Starts the daemon and waits until it answers.
    ///
    /// # Errors
    /// It ended at once or did not answer in time.
    pub fn start(&mut self) -> Result<()> {
        self.start_with(&[])
    }

    /// [`Self::start`] with these environment variables.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(&mut self, environment: &[(&str, &str)]) -> Result<()> {
        ensure!(self.daemon.is_none(), "{} runs already", self.name());
        // By env, so that a PATH among them is the daemon's alone.
        let mut command = self.netns.command("env");
        let set = environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        command.args(set).arg(&self.lvx);
        command.args(["run", "-c"]).arg(self.config_file());
        self.daemon = Some(spawn_logged(&mut command, &self.log_file())?);
        wait_until(&format!("{} to answer", self.name()), PATIENCE, || {
            self.status().map(|_| true)
        })
    }

    /// SIGKILL to the daemon alone.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> Result<()> {
        let mut daemon = self.take_daemon()?;
        daemon.kill().context("killing lvx")?;
        daemon.wait().context("waiting for lvx")?;
        Ok(())
    }

    /// SIGTERM, without waiting: [`Self::wait_stopped`] does.
    ///
    /// # Errors
    /// It does not run.
    pub fn terminate(&self) -> Result<()> {
        self.signal(libc::SIGTERM)
    }

    /// A signal to the daemon.
    ///
    /// # Errors
    /// It does not run.
    pub fn signal(&self, signal: i32) -> Result<()> {
        let daemon = self.daemon.as_ref().ok_or_else(|| self.is_not_running())?;
        let pid = libc::pid_t::try_from(daemon.id()).context("the id of a process")?;
        // SAFETY: kill takes two integers, and the id is that of a child not waited for yet.
        let result = unsafe { libc::kill(pid, signal) };
        ensure!(result == 0, "signal {signal} to {}", self.name());
        Ok(())
    }

    /// Runs a command of lvx on the director's host, such as `cleanup`.
    ///
    /// # Errors
    /// It could not be started; its own failure is in the output.
    pub fn lvx(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.netns.command(&self.lvx);
        command.args(arguments).output().context("starting lvx")
    }

    /// # Errors
    /// It does not run, or is still there after [`PATIENCE`].
    pub fn wait_stopped(&mut self) -> Result<ExitStatus> {
        let mut daemon = self.take_daemon()?;
        let what = format!("{} to stop", self.name());
        let ended = wait_for(&what, PATIENCE, || Ok(daemon.try_wait()?));
        if ended.is_err() {
            self.daemon = Some(daemon);
        }
        ended
    }

    pub(crate) fn forget(&mut self) {
        self.daemon = None;
    }

    fn take_daemon(&mut self) -> Result<Child> {
        let error = self.is_not_running();
        self.daemon.take().ok_or(error)
    }

    fn is_not_running(&self) -> anyhow::Error {
        anyhow!("{} does not run", self.name())
    }
}
impl Drop for Director {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // Either it is dead then, or it was before.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
