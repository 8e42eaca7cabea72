//! Running the operator's programs: with the rights they shall have, for as long as they may, and
//! nothing is left of them.
//!
//! No shell is involved. A program leads a session and a process group of its own, in a control
//! group of its own where there can be one; whatever of these is still there when it ends, or when
//! its time is over, is killed.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::Script;

mod cgroup;
mod end;
mod input;
mod output;
mod preparation;
#[cfg(test)]
mod tests;
mod user;

use cgroup::Cgroup;
pub use end::{End, Ended};
use output::Output;
use preparation::Prepared;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// A process that SIGKILL does not end by then is in the kernel's hands: it is left to them.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// Programs find what they call in these.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs programs, a bounded number at once; the others wait for their turn.
#[derive(Debug, Clone)]
pub struct Runner {
    turns: Arc<Semaphore>,
}

impl Runner {
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }

    /// Runs `script` with `more` arguments after its own, and `variables` in its environment.
    ///
    /// Dropping the future kills it and its group.
    pub async fn run(
        &self,
        script: &Script,
        more: &[String],
        variables: &[(&'static str, String)],
    ) -> Ended {
        self.run_with(script, more, variables, None).await
    }

    /// As [`Self::run`]; the program finds `input` on its standard input.
    pub async fn feed(
        &self,
        script: &Script,
        variables: &[(&'static str, String)],
        input: &[u8],
    ) -> Ended {
        self.run_with(script, &[], variables, Some(input)).await
    }

    async fn run_with(
        &self,
        script: &Script,
        more: &[String],
        variables: &[(&'static str, String)],
        input: Option<&[u8]>,
    ) -> Ended {
        // The semaphore is never closed.
        let _turn = self.turns.acquire().await;
        let mut output = Output::default();
        let end = match run(script, more, variables, input, &mut output).await {
            Ok(end) => end,
            Err(error) => End::NotStarted(error),
        };
        Ended {
            end,
            last_line: output.last_line(),
        }
    }
}

/// `Err` says why it could not be started.
async fn run(
    script: &Script,
    more: &[String],
    variables: &[(&'static str, String)],
    input: Option<&[u8]>,
    output: &mut Output,
) -> Result<End, String> {
    let wanted = script.clone();
    // The user database and the file system may be slow.
    let prepared = tokio::task::spawn_blocking(move || preparation::prepare(&wanted)).await;
    let prepared = prepared.map_err(|error| error.to_string())??;
    let could_not = |error: io::Error| {
        let program = script.program.display();
        format!("{program} cannot be started as {}: {error}", script.user)
    };
    let (mut child, group, receiver) =
        start(script, &prepared, more, variables, input).map_err(could_not)?;
    let deadline = Instant::now() + script.timeout;
    let in_time = group.wait(&receiver, output, deadline).await;
    let end = if in_time {
        None
    } else {
        group.kill(libc::SIGTERM);
        if !group.wait(&receiver, output, Instant::now() + GRACE).await {
            group.kill(libc::SIGKILL);
            let limit = Instant::now() + LAST_WAIT;
            group.wait(&receiver, output, limit).await;
        }
        Some(End::TimedOut(script.timeout))
    };
    output.drain(&receiver);
    // While its leader is not reaped, the group's number belongs to nobody else.
    drop(group);
    let status = timeout(LAST_WAIT, child.wait()).await;
    Ok(end.unwrap_or_else(|| match status {
        Ok(Ok(status)) => End::of(status),
        Ok(Err(error)) => End::Lost(error.to_string()),
        Err(_) => End::Lost("it did not end".to_owned()),
    }))
}

fn start(
    script: &Script,
    prepared: &Prepared,
    more: &[String],
    variables: &[(&'static str, String)],
    input: Option<&[u8]>,
) -> io::Result<(Child, Group, pipe::Receiver)> {
    let (reader, writer) = io::pipe()?;
    let receiver = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let mut command = std::process::Command::new(&prepared.program);
    command
        .arg0(&script.program)
        .args(&script.arguments)
        .args(more)
        .env_clear()
        .env("PATH", PATH)
        .env("USER", &script.user)
        .env("LOGNAME", &script.user)
        .env("HOME", OsStr::new(&prepared.home))
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(input::of(input)?)
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let rights = prepared.rights.clone();
    let cgroup = Cgroup::make();
    let entrance = cgroup.as_ref().map(Cgroup::entrance);
    // SAFETY: between fork and exec only system calls are made: no memory is allocated, no lock
    // is taken.
    unsafe {
        command.pre_exec(move || {
            if let Some(entrance) = entrance {
                cgroup::enter(entrance);
            }
            user::confine(rights.as_ref())
        });
    }
    let child = Command::from(command).kill_on_drop(true).spawn()?;
    let id = child.id().ok_or_else(|| io::Error::other("it has no id"))?;
    let group = Group::new(id, cgroup)?;
    Ok((child, group, receiver))
}

/// The process group of a program that runs; it is killed when this is dropped.
struct Group {
    id: libc::pid_t,
    leader: AsyncFd<OwnedFd>,
    /// What left the group is still in this one.
    _cgroup: Option<Cgroup>,
}

impl Group {
    fn new(id: u32, cgroup: Option<Cgroup>) -> io::Result<Self> {
        let id = libc::pid_t::try_from(id).map_err(io::Error::other)?;
        // SAFETY: pidfd_open takes two integers; the process is a child not waited for yet.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) };
        let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just given it to us, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: an OwnedFd has one descriptor, which is open as long as it lives.
        let leader = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?;
        Ok(Self {
            id,
            leader,
            _cgroup: cgroup,
        })
    }

    /// Reads what the program writes until it has ended; whether it has by the deadline.
    async fn wait(
        &self,
        receiver: &pipe::Receiver,
        output: &mut Output,
        deadline: Instant,
    ) -> bool {
        let mut open = true;
        loop {
            tokio::select! {
                // One that floods us with output still ends in time.
                biased;
                _ = self.leader.readable() => return true,
                () = sleep_until(deadline) => return false,
                ready = receiver.ready(Interest::READABLE), if open => {
                    open = ready.is_ok() && output.read(receiver);
                }
            }
        }
    }

    fn kill(&self, signal: libc::c_int) {
        // SAFETY: kill takes two integers. The group is still the program's own: its leader is
        // our child and was not reaped.
        unsafe {
            libc::kill(-self.id, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill(libc::SIGKILL);
    }
}

impl End {
    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(0), _) => Self::Good,
            (Some(code), _) => Self::Exit(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Lost("it has no exit status".to_owned()),
        }
    }
}
