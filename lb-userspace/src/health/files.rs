//! How many files this process may open.

use std::io;

/// Raises the limit as far as it goes without asking anybody: an ordinary soft limit of 1024 is for
/// programs that use select(2). Returns what it is then.
pub(super) fn raise() -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live rlimit.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        // It does not fail; if it did, the standard's least would be it.
        return 1024;
    }
    let before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: as above.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        let error = io::Error::last_os_error();
        tracing::warn!(%error, limit = before, "the limit of open files cannot be raised");
        return before;
    }
    limit.rlim_cur
}
