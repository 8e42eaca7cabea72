//! The other VRRP implementations, the programs that look at packets, and a mail server, for the
//! tests beside them and for `bench failover`. Building and the demo do without.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result};

use super::apt;
use crate::sh;

/// Programs and the packages that hold them.
const TOOLS: [(&str, &str); 6] = [
    ("keepalived", "keepalived"),
    (VRRPD, "frr"),
    ("tshark", "tshark"),
    ("tcpdump", "tcpdump"),
    ("nft", "nftables"),
    // The mail server that notifications go to, a module of Python.
    ("aiosmtpd", "python3-aiosmtpd"),
];

/// FRR's daemons are on nobody's `PATH`.
const VRRPD: &str = "/usr/lib/frr/vrrpd";

/// What Debian's packages ask before they start a service; 101 is "no".
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Services of the packages, which would run on this host.
const SERVICES: [&str; 2] = ["frr", "keepalived"];

/// Where the programs are, as far as they are there.
pub(super) fn found() -> impl Iterator<Item = String> {
    let found = TOOLS.iter().filter(|(tool, _)| is_there(tool));
    found.map(|(tool, _)| sh::find(tool).map_or((*tool).to_owned(), |it| it.display().to_string()))
}

/// Installs what is missing, without its services.
///
/// # Errors
/// As [`apt::install`].
pub(crate) fn ensure() -> Result<()> {
    let absent = TOOLS.iter().filter(|(tool, _)| !is_there(tool));
    let packages: Vec<&str> = absent.map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let _policy = NoServices::begin()?;
    apt::install(&packages)?;
    for service in SERVICES.iter().filter(|it| packages.contains(it)) {
        // They must not come up with the next boot either. Without systemd none does.
        let _ = sh::output(Command::new("systemctl").args(["disable", service]));
    }
    Ok(())
}

fn is_there(tool: &str) -> bool {
    sh::find(tool).is_some() || (tool.starts_with('/') && sh::is_executable(Path::new(tool)))
}

/// While it lives, packages do not start services.
struct NoServices {
    /// There was no such file before.
    ours: bool,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let policy = Path::new(POLICY);
        // One that is there says what its administrator wants; without root nothing is installed.
        if policy.exists() || !sh::is_root() {
            return Ok(Self { ours: false });
        }
        fs::write(policy, "#!/bin/sh\nexit 101\n").context(POLICY)?;
        let begun = Self { ours: true };
        fs::set_permissions(policy, fs::Permissions::from_mode(0o755)).context(POLICY)?;
        Ok(begun)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = fs::remove_file(POLICY)
        {
            eprintln!("setup: remove {POLICY} by hand, or no service starts: {error}");
        }
    }
}
