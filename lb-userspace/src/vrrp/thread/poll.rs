//! Waiting for file descriptors, with nanosecond timeouts, and being woken.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// Wakes a thread that waits: an eventfd, so that it waits for this and for sockets alike.
#[derive(Debug)]
pub(super) struct Waker(File);

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and is nobody else's.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    pub(super) fn wake(&self) {
        // Fails only when the counter is full, and then the thread is awake.
        let _ = (&self.0).write(&1_u64.to_ne_bytes());
    }

    /// Forgets the calls so far. The commands must be read after it, not before.
    pub(super) fn clear(&self) {
        // Fails only when there was no call.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until one of `fds` can be read or has an error, or for `timeout`.
///
/// Returns one flag per descriptor; none is set after a timeout or a signal.
pub(super) fn wait(fds: &[BorrowedFd<'_>], timeout: Duration) -> io::Result<Vec<bool>> {
    let pollfd = |fd: &BorrowedFd<'_>| libc::pollfd {
        fd: fd.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let mut polled: Vec<_> = fds.iter().map(pollfd).collect();
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: the array has the given length, the timeout outlives the call, and a null signal
    // mask leaves the thread's as it is.
    let result = unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            polled.len() as libc::nfds_t,
            &raw const timeout,
            ptr::null(),
        )
    };
    if result < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(polled.iter().map(|fd| fd.revents != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waker_wakes_once_per_clear() {
        let waker = Waker::new().unwrap();
        let ready = |timeout| wait(&[waker.as_fd()], timeout).unwrap();
        assert_eq!(ready(Duration::ZERO), [false]);
        waker.wake();
        waker.wake();
        assert_eq!(ready(Duration::from_secs(60)), [true]);
        waker.clear();
        assert_eq!(ready(Duration::from_nanos(1)), [false]);
    }
}
