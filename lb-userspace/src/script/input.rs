//! What a program finds on its standard input.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;

/// A file in memory: whether the program reads it or not, nobody waits for anybody.
pub(super) fn of(input: Option<&[u8]>) -> io::Result<Stdio> {
    let Some(input) = input else {
        return Ok(Stdio::null());
    };
    // SAFETY: the name is a C string that lives for ever.
    let fd = unsafe { libc::memfd_create(c"lvx-input".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given it to us, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut file = File::from(fd);
    file.write_all(input)?;
    file.rewind()?;
    Ok(Stdio::from(file))
}
