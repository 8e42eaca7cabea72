//! A daemon of the lab: started with a log, stopped or killed by its id.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::lab::spawn_logged;
use crate::wait::wait_for;

/// Lines of a log that are shown when something went wrong.
const LOG_LINES: usize = 40;

/// Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// An older log of that name is removed: nobody takes an earlier process for this one.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        // Usually there is none.
        let _ = fs::remove_file(log);
        Ok(Self {
            child: spawn_logged(command, log)?,
            log: log.to_owned(),
        })
    }

    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it wrote.
    #[must_use]
    pub fn output(&self) -> String {
        fs::read(&self.log).map_or_else(
            |error| format!("{}: {error}", self.log.display()),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The end of [`Self::output`].
    #[must_use]
    pub fn log(&self) -> String {
        let text = self.output();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// SIGTERM, without waiting.
    ///
    /// # Errors
    /// There is no such process.
    pub fn terminate(&self) -> Result<()> {
        signal(self.child.id(), libc::SIGTERM)
    }

    /// SIGTERM, and waits until it has ended.
    ///
    /// # Errors
    /// It is still there after `limit`.
    pub fn stop(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.terminate()?;
        self.wait_end(limit)
    }

    /// # Errors
    /// It is still there after `limit`.
    pub fn wait_end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("process {} to end", self.child.id());
        let child = &mut self.child;
        wait_for(&what, limit, || Ok(child.try_wait()?))
    }

    /// SIGKILL to it and its children, the children first: none shall notice and say goodbye.
    pub fn kill(&mut self) {
        let id = self.child.id();
        if matches!(self.child.try_wait(), Ok(None)) {
            for child in children(id) {
                // It may be gone already.
                let _ = signal(child, libc::SIGKILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ids of its children.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        children(self.child.id())
    }
}

/// How the scheduler treats a thread: `SCHED_FIFO 50`.
pub(crate) fn scheduling(thread: u32) -> String {
    let Ok(id) = libc::pid_t::try_from(thread) else {
        return "unknown".to_owned();
    };
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: takes an integer.
    let policy = unsafe { libc::sched_getscheduler(id) };
    // SAFETY: writes one `sched_param` into what is one.
    unsafe { libc::sched_getparam(id, &raw mut parameters) };
    let name = match policy & !libc::SCHED_RESET_ON_FORK {
        _ if policy < 0 => "unknown",
        libc::SCHED_FIFO => "SCHED_FIFO",
        libc::SCHED_RR => "SCHED_RR",
        _ => "SCHED_OTHER",
    };
    format!("{name} {}", parameters.sched_priority)
}

/// The thread of a process that has this name.
pub(crate) fn thread_named(process: u32, name: &str) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut threads = threads.flatten();
    let found = threads.find(|thread| {
        fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
    })?;
    found.file_name().to_string_lossy().parse().ok()
}

/// Time that a thread has run on a processor.
pub(crate) fn processor_time(thread: u32) -> Result<Duration> {
    let path = format!("/proc/{thread}/schedstat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let nanoseconds = text
        .split_whitespace()
        .next()
        .and_then(|it| it.parse().ok());
    nanoseconds.map(Duration::from_nanos).context(path)
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn children(id: u32) -> Vec<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

fn signal(id: u32, signal: i32) -> Result<()> {
    let pid = libc::pid_t::try_from(id).context("the id of a process")?;
    // SAFETY: kill takes two integers, and the id is that of a process of this lab.
    let result = unsafe { libc::kill(pid, signal) };
    ensure!(result == 0, "signal {signal} to process {id}");
    Ok(())
}
