//! The switches of IPVS under /proc/sys (Documentation/networking/ipvs-sysctl.rst), of the
//! calling thread's network namespace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const DIRECTORY: &str = "/proc/sys/net/ipv4/vs";

/// Whether connections of a destination that is gone are given to another.
pub(super) const EXPIRE: &str = "expire_nodest_conn";

/// What lvx needs.
pub(super) const NEEDED: [(&str, &str); 4] = [
    // A connection that began under XDP or on the other director is taken on in the middle.
    ("sloppy_tcp", "1"),
    ("sloppy_sctp", "1"),
    // Clients of a dead server get a reset from another, instead of silence.
    (EXPIRE, "1"),
    // A new connection from a port that was used before is scheduled anew, as in XDP.
    ("conn_reuse_mode", "1"),
];

pub(super) fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// `None` where this kernel has no such switch.
pub(super) fn read(name: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(path(name)) {
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn write(name: &str, value: &str) -> io::Result<()> {
    fs::write(path(name), value)
}
