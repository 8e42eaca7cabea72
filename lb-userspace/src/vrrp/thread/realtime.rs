//! What protects the thread from the host's other work.

use std::io;
use std::ptr;

use tracing::warn;

use crate::config;

/// What came of [`config::Realtime`]; `None` where it was not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Realtime {
    /// The priority under SCHED_FIFO, or why the thread is scheduled as any other.
    pub scheduler: Option<Result<u8, String>>,
    /// Or why the memory may be paged out.
    pub memory: Option<Result<(), String>>,
}

/// Protects the calling thread, and the whole process's memory. What is refused is reported.
pub(super) fn protect(wanted: config::Realtime) -> Realtime {
    let scheduler = wanted.priority.map(|priority| {
        let priority = priority.get();
        schedule(priority).map(|()| priority).map_err(|error| {
            format!("SCHED_FIFO {priority}: {error} (needs CAP_SYS_NICE or RLIMIT_RTPRIO)")
        })
    });
    let memory = wanted.lock_memory.then(|| {
        lock_memory()
            .map_err(|error| format!("mlockall: {error} (needs CAP_IPC_LOCK or RLIMIT_MEMLOCK)"))
    });
    if let Some(Err(error)) = &scheduler {
        warn!(%error, "the protocol's thread has no real-time priority");
    }
    if let Some(Err(error)) = &memory {
        warn!(%error, "the memory may be paged out");
    }
    Realtime { scheduler, memory }
}

/// For this thread alone: those that it makes, and their children, are ordinary ones again.
fn schedule(priority: u8) -> io::Result<()> {
    // SAFETY: a structure of integers, for which zeros are valid.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority.into();
    // SAFETY: thread 0 is the caller, and the parameters outlive the call.
    check(unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    })
}

/// Pages stay once they were touched; stacks and reserves that never are cost nothing.
fn lock_memory() -> io::Result<()> {
    // Under a limit and without CAP_IPC_LOCK, later allocations would fail: all or nothing.
    if !has_ipc_lock() {
        unlimit_locked_memory()?;
    }
    // SAFETY: flags alone.
    check(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) })
}

fn unlimit_locked_memory() -> io::Result<()> {
    let unlimited = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: process 0 is the caller; the new limit outlives the call, the old one is not asked.
    check(unsafe {
        libc::prlimit(
            0,
            libc::RLIMIT_MEMLOCK,
            &raw const unlimited,
            ptr::null_mut(),
        )
    })
}

/// Whether CAP_IPC_LOCK is effective.
fn has_ipc_lock() -> bool {
    const CAP_IPC_LOCK: u32 = 14;
    let Ok(status) = std::fs::read_to_string("/proc/thread-self/status") else {
        return false;
    };
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    effective.is_some_and(|set| set & 1 << CAP_IPC_LOCK != 0)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;
    use std::thread;

    use super::*;

    /// Policy of the calling thread.
    fn policy() -> libc::c_int {
        // SAFETY: no pointers; thread 0 is the caller.
        unsafe { libc::sched_getscheduler(0) }
    }

    #[test]
    fn what_was_not_asked_for_is_not_done() {
        let before = policy();
        let nothing = config::Realtime {
            priority: None,
            lock_memory: false,
        };
        assert_eq!(protect(nothing), Realtime::default());
        assert_eq!(policy(), before);
    }

    #[test]
    fn the_priority_is_this_threads_alone() {
        let wanted = config::Realtime {
            priority: NonZeroU8::new(7),
            lock_memory: false,
        };
        let (scheduler, own, child) = thread::spawn(move || {
            let got = protect(wanted);
            let child = thread::spawn(policy).join().unwrap();
            (got.scheduler.unwrap(), policy(), child)
        })
        .join()
        .unwrap();
        match scheduler {
            Ok(priority) => {
                assert_eq!(priority, 7);
                assert_eq!(own, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK);
            }
            // A container may forbid it, even to root.
            Err(error) => assert!(error.contains("SCHED_FIFO 7"), "{error}"),
        }
        assert_eq!(child, libc::SCHED_OTHER);
    }
}
