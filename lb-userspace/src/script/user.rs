//! Whose rights a program has.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::ptr;

/// Most open files of a program.
const FILES: libc::rlim_t = 256;
/// Most memory that it writes to, of each of its processes. Not of addresses: some languages
/// reserve far more than they use.
const DATA: libc::rlim_t = 512 << 20;

/// Ids to take on, as `initgroups` would find them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) user: libc::uid_t,
    group: libc::gid_t,
    groups: Vec<libc::gid_t>,
}

/// Looks a user up; `Ok(None)` if there is no such user.
pub(super) fn find(name: &str) -> io::Result<Option<(Rights, OsString)>> {
    let Ok(name) = CString::new(name) else {
        return Ok(None);
    };
    let mut buffer = vec![0_u8; 1 << 10];
    loop {
        // SAFETY: passwd is plain data for which zeros are a value.
        let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
        let mut found = ptr::null_mut();
        // SAFETY: all pointers are to live values of the right types, and the length is the
        // buffer's.
        let result = unsafe {
            let bytes = buffer.as_mut_ptr().cast();
            libc::getpwnam_r(name.as_ptr(), &mut entry, bytes, buffer.len(), &mut found)
        };
        if result == libc::ERANGE && buffer.len() < 1 << 20 {
            buffer.resize(buffer.len() * 4, 0);
            continue;
        }
        if found.is_null() {
            return match result {
                // What "not found" may be, getpwnam(3).
                0 | libc::ENOENT | libc::ESRCH => Ok(None),
                error => Err(io::Error::from_raw_os_error(error)),
            };
        }
        // SAFETY: on success the fields are C strings in `buffer`, which is alive.
        let home = unsafe { CStr::from_ptr(entry.pw_dir) }.to_bytes().to_vec();
        let rights = Rights {
            user: entry.pw_uid,
            group: entry.pw_gid,
            groups: groups(&name, entry.pw_gid),
        };
        return Ok(Some((rights, OsString::from_vec(home))));
    }
}

fn groups(name: &CStr, group: libc::gid_t) -> Vec<libc::gid_t> {
    let mut room: libc::c_int = 32;
    loop {
        let mut groups = vec![group; usize::try_from(room).unwrap_or_default()];
        let mut count = room;
        // SAFETY: `groups` has room for `count` ids, and the name is a C string.
        let result =
            unsafe { libc::getgrouplist(name.as_ptr(), group, groups.as_mut_ptr(), &mut count) };
        if result >= 0 || count <= room {
            groups.truncate(usize::try_from(count).unwrap_or_default());
            return groups;
        }
        room = count;
    }
}

/// What the forked process does to itself before it becomes the program. `None`: the rights stay
/// as they are.
///
/// Nothing but system calls: the other threads of the daemon may have held any lock at the fork.
pub(super) fn confine(rights: Option<&Rights>) -> io::Result<()> {
    // SAFETY: each call takes integers, or pointers to values that live during the call.
    unsafe {
        check(libc::setsid())?;
        libc::umask(0o022);
        limit(libc::RLIMIT_CORE, 0)?;
        limit(libc::RLIMIT_NOFILE, FILES)?;
        limit(libc::RLIMIT_DATA, DATA)?;
        be_ordinary_to_the_oom_killer();
        // Those of the daemon are closed by exec; close_range is in kernels from 5.9 on, with this
        // flag from 5.11 on, and we ask for 5.15.
        let closed = libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
        if closed < 0 {
            return Err(io::Error::last_os_error());
        }
        let ordinary = libc::sched_param { sched_priority: 0 };
        check(libc::sched_setscheduler(0, libc::SCHED_OTHER, &ordinary))?;
        check(libc::setpriority(libc::PRIO_PROCESS, 0, 0))?;
        // An unprivileged daemon may have been given capabilities, which are its own.
        check(libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        ))?;
        if let Some(rights) = rights {
            check(libc::setgroups(rights.groups.len(), rights.groups.as_ptr()))?;
            check(libc::setresgid(rights.group, rights.group, rights.group))?;
            check(libc::setresuid(rights.user, rights.user, rights.user))?;
        }
    }
    Ok(())
}

/// The daemon may be the last one to be killed for want of memory, its programs are not. Without a
/// /proc they stay as the daemon is.
fn be_ordinary_to_the_oom_killer() {
    const ORDINARY: &[u8] = b"0";
    // SAFETY: literals, the second of the length that is given, and the descriptor that was opened.
    unsafe {
        let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY);
        if file >= 0 {
            libc::write(file, ORDINARY.as_ptr().cast(), ORDINARY.len());
            libc::close(file);
        }
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Lowers a limit; one that is lower already stays.
fn limit(resource: libc::__rlimit_resource_t, wanted: libc::rlim_t) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls get a pointer to a live rlimit.
    unsafe {
        check(libc::getrlimit(resource, &mut limit))?;
        limit.rlim_max = limit.rlim_max.min(wanted);
        limit.rlim_cur = limit.rlim_max;
        check(libc::setrlimit(resource, &limit))
    }
}
