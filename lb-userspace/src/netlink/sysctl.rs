//! Switches of one interface under /proc/sys/net, of the calling thread's network namespace
//! (Documentation/networking/ip-sysctl.rst).

use std::fs;
use std::io;
use std::path::PathBuf;

/// Which half of the network stack a switch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stack {
    Ipv4,
    Ipv6,
}

impl Stack {
    const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }
}

/// `interface` is a name, or `all`.
fn path(stack: Stack, interface: &str, switch: &str) -> PathBuf {
    let stack = stack.name();
    PathBuf::from(format!("/proc/sys/net/{stack}/conf/{interface}/{switch}"))
}

/// `None`: there is no such interface, or this kernel has no such switch.
///
/// # Errors
/// The kernel's.
pub fn read(stack: Stack, interface: &str, switch: &str) -> io::Result<Option<u32>> {
    match fs::read_to_string(path(stack, interface, switch)) {
        Ok(value) => Ok(value.trim().parse().ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// # Errors
/// The kernel's, with the path: /proc/sys may be read-only in a container.
pub fn write(stack: Stack, interface: &str, switch: &str, value: u32) -> io::Result<()> {
    let path = path(stack, interface, switch);
    let named = |error: io::Error| {
        let text = format!("{}: {error}", path.display());
        io::Error::new(error.kind(), text)
    };
    fs::write(&path, value.to_string()).map_err(named)
}
