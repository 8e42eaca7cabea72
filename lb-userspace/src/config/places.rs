//! Where a daemon with a configuration keeps its things, however wrong the rest of the file is.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Errors, load};

/// The directories of `[global]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    pub runtime_dir: PathBuf,
    pub bpffs: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            runtime_dir: PathBuf::from("/run/lvx"),
            bpffs: PathBuf::from("/sys/fs/bpf/lvx"),
        }
    }
}

/// The directories that a file names. A daemon that died may have died of the file: as long as it
/// is TOML, what is wrong with the rest does not matter here.
///
/// # Errors
/// The file cannot be read, or is no TOML.
pub fn places(path: &Path) -> Result<Places, Errors> {
    let errors = match load(path) {
        Ok(config) => {
            return Ok(Places {
                runtime_dir: config.global.runtime_dir,
                bpffs: config.global.bpffs,
            });
        }
        Err(errors) => errors,
    };
    let text = fs::read_to_string(path).ok();
    let table = text.and_then(|text| text.parse::<toml::Table>().ok());
    table.map(|table| named(&table)).ok_or(errors)
}

fn named(table: &toml::Table) -> Places {
    let mut places = Places::default();
    let global = table.get("global").and_then(toml::Value::as_table);
    let directory = |key| {
        let value = global?.get(key)?.as_str()?;
        Some(PathBuf::from(value))
    };
    if let Some(directory) = directory("runtime_dir") {
        places.runtime_dir = directory;
    }
    if let Some(directory) = directory("bpffs") {
        places.bpffs = directory;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_still_names_its_directories() {
        let text = "[global]\nruntime_dir = \"/run/other\"\nwrong = 1\n[[vrrp]]\nname = 7\n";
        let places = named(&text.parse().unwrap());
        assert_eq!(places.runtime_dir, Path::new("/run/other"));
        assert_eq!(places.bpffs, Places::default().bpffs);
    }
}
