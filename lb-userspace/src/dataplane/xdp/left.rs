//! Removing what an earlier daemon left, without loading a program.

use std::path::Path;

use super::{XdpError, pins};

/// Removes what an earlier daemon left in its pin directory, its program on interfaces included.
///
/// # Errors
/// A pin cannot be removed.
pub fn remove_left(directory: &Path) -> Result<(), XdpError> {
    pins::remove_left(directory).map_err(|error| XdpError::Pins {
        path: directory.display().to_string(),
        error,
    })
}

/// Takes the program of an earlier daemon off its interfaces, and names what it was pinned as;
/// its maps stay.
///
/// # Errors
/// A pin cannot be removed.
pub fn detach_left(directory: &Path) -> Result<Vec<String>, XdpError> {
    pins::detach_left(directory).map_err(|error| XdpError::Pins {
        path: directory.display().to_string(),
        error,
    })
}
