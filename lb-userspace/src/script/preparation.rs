//! What is found out before a program is started: its file, its user.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::Script;

use super::user::{self, Rights};

#[derive(Debug)]
pub(super) struct Prepared {
    /// Without symbolic links: what was looked at is what runs.
    pub(super) program: PathBuf,
    /// `None`: it runs with the daemon's own.
    pub(super) rights: Option<Rights>,
    pub(super) home: OsString,
}

/// # Errors
/// Why it must not or cannot run, with the way out.
pub(super) fn prepare(script: &Script) -> Result<Prepared, String> {
    let program = script.program.display();
    let real = fs::canonicalize(&script.program)
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let found = user::find(&script.user)
        .map_err(|error| format!("user {} cannot be looked up: {error}", script.user))?;
    let Some((rights, home)) = found else {
        return Err(format!(
            "{program} cannot be started: there is no user {}, set `user` or [global] script_user",
            script.user
        ));
    };
    // SAFETY: geteuid has no arguments and cannot fail.
    let own = unsafe { libc::geteuid() };
    if own != 0 {
        if own != rights.user {
            return Err(format!(
                "{program} cannot be started: lvx does not run as root, and so it cannot become \
                 {}",
                script.user
            ));
        }
        return Ok(Prepared {
            program: real,
            rights: None,
            home,
        });
    }
    let paths = real.ancestors().chain(script.program.ancestors().skip(1));
    for path in paths {
        trusted(path, rights.user)
            .map_err(|reason| format!("{program} is not started: {reason}"))?;
    }
    Ok(Prepared {
        program: real,
        rights: Some(rights),
        home,
    })
}

/// Whether nobody but root and the user could put another program in its place.
fn trusted(path: &Path, user: libc::uid_t) -> Result<(), String> {
    let shown = path.display();
    let file = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    let mode = file.permissions().mode();
    if file.uid() != 0 && file.uid() != user {
        let (owner, way_out) = (file.uid(), "chown it to root");
        return Err(format!(
            "{shown} belongs to another user (id {owner}), who could change it: {way_out}"
        ));
    }
    // In a directory such as /tmp everybody can make files, but not replace those of others.
    let sticky = file.is_dir() && mode & libc::S_ISVTX != 0;
    let by_group = mode & libc::S_IWGRP != 0 && file.gid() != 0;
    let by_others = mode & libc::S_IWOTH != 0;
    if (by_group || by_others) && !sticky {
        let (who, letters) = if by_others {
            ("everybody", "o-w")
        } else {
            ("its group", "g-w")
        };
        return Err(format!(
            "{who} can write to {shown}: `chmod {letters} {shown}`"
        ));
    }
    Ok(())
}
