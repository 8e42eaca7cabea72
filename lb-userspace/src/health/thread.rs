//! The thread of the checks: whatever the daemon's loop and the kernel's tables are doing, probes
//! start in time, and the other way round.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// File access and look-ups of users that checks may do at once.
const BLOCKING: usize = 32;
/// At the end, file access that hangs is not waited for any longer.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Its tasks end with it.
#[derive(Debug)]
pub(super) struct Thread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Thread {
    /// # Errors
    /// The system has no thread or no descriptors for us.
    pub(super) fn spawn() -> io::Result<Self> {
        // One thread that does all of it costs half of several that wake each other.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING)
            .thread_name("lvx-check-file")
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let name = "lvx-checks".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            hurry();
            // Whether it is told to stop or nobody can tell it any more.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(LAST_WAIT);
        })?;
        Ok(Self {
            handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// Before ordinary threads of a busy host. Without CAP_SYS_NICE it is one of them.
fn hurry() {
    const NICE: libc::c_int = -10;
    // SAFETY: takes integers; 0 is the calling thread.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) } != 0 {
        let error = io::Error::last_os_error();
        tracing::debug!(%error, "checks have no priority");
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Scripts that run are killed by then. That it panicked was said by the panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_runs_on_it_has_its_name_and_ends_with_it() {
        let thread = Thread::spawn().unwrap();
        let (told, names) = mpsc::channel();
        thread.handle().spawn(async move {
            let name = std::thread::current().name().map(str::to_owned);
            told.send(name).unwrap();
            std::future::pending::<()>().await;
            drop(told);
        });
        let name = names.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(name.as_deref(), Some("lvx-checks"));
        drop(thread);
        let over = names.recv_timeout(Duration::from_secs(20));
        assert_eq!(over, Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
