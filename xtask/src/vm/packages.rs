//! Debian packages that are unpacked and never installed: installing an emulator can remove
//! others, and a kernel would become this machine's own.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{setup::apt, sh};

/// Libraries that are the host's own: they have to fit its program loader.
const HOST_LIBRARIES: [&str; 2] = ["libc6", "libcrypt1"];

/// Packages of loadable modules, most of them for screens and sound: the libraries of all would
/// be a desktop's.
const WITHOUT_LIBRARIES: [&str; 1] = ["qemu-system-common"];

/// Packages below one root directory.
pub(super) struct Unpacked {
    pub(super) root: PathBuf,
}

impl Unpacked {
    /// `package` and `more`, with the libraries of all of them, below
    /// `<cache>/<package>_<version>`. Older versions of it are removed.
    ///
    /// # Errors
    /// There is no apt, or it does not know the packages.
    pub(super) fn ensure(cache: &Path, package: &str, more: &[&str]) -> Result<Self> {
        let version = candidate(package)?;
        let name = format!("{package}_{}", version.replace(':', "%"));
        let root = cache.join(&name);
        if root.is_dir() {
            return Ok(Self { root });
        }
        fs::create_dir_all(cache)?;
        remove_versions(cache, package)?;
        eprintln!(
            "vm: will unpack {package} {version} into {}",
            root.display()
        );
        // A directory that has its final name is complete.
        let partial = cache.join(format!("{name}.partial"));
        fs::create_dir_all(&partial)?;
        let mut wanted = BTreeSet::from([package.to_owned()]);
        wanted.extend(more.iter().map(|more| (*more).to_owned()));
        unpack_with_libraries(&partial, wanted)
            .with_context(|| format!("unpacking the package {package}"))?;
        fs::rename(&partial, &root)?;
        Ok(Self { root })
    }

    /// Where the libraries are, as `LD_LIBRARY_PATH` wants it.
    pub(super) fn library_path(&self) -> String {
        let triplet = "x86_64-linux-gnu";
        let directory = |below: &str| self.root.join(below).join(triplet).display().to_string();
        [directory("lib"), directory("usr/lib")].join(":")
    }

    /// The file at one of the places `paths` below the root.
    pub(super) fn file(&self, paths: &[&str]) -> Result<PathBuf> {
        let mut places = paths.iter().map(|path| self.root.join(path));
        places
            .find(|path| path.is_file())
            .with_context(|| format!("no {} in {}", paths.join(", "), self.root.display()))
    }
}

/// The package that the meta package `meta` stands for: the dependency that starts with `start`.
pub(super) fn behind(meta: &str, start: &str) -> Result<String> {
    candidate(meta)?;
    let shown = sh::output(Command::new("apt-cache").args(["depends", meta]))?;
    let mut words = shown.split_whitespace();
    let found = words.find(|word| word.starts_with(start) && *word != meta);
    let found = found.with_context(|| format!("{meta} depends on no {start}…"))?;
    Ok(found.to_owned())
}

/// The version that apt would install.
fn candidate(package: &str) -> Result<String> {
    apt::lists_for(package)?;
    let query = || sh::output(Command::new("apt-cache").args(["policy", package]));
    let version = |shown: &str| {
        let line = shown
            .lines()
            .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
        (line != "(none)").then(|| line.to_owned())
    };
    version(&query()?).with_context(|| format!("apt knows no package {package} (wants Debian 12)"))
}

fn remove_versions(cache: &Path, package: &str) -> Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&format!("{package}_")) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Downloads `wanted`, then the libraries they depend on, then those of the libraries.
fn unpack_with_libraries(into: &Path, mut wanted: BTreeSet<String>) -> Result<()> {
    let mut known = wanted.clone();
    while !wanted.is_empty() {
        let packages: Vec<&str> = wanted.iter().map(String::as_str).collect();
        apt::download(&packages, into)?;
        let mut next = BTreeSet::new();
        for file in package_files(into)? {
            sh::output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(into))?;
            let mut query = Command::new("dpkg-deb");
            let depends = sh::output(query.arg("-f").arg(&file).arg("Depends"))?;
            if !is_one_of(&file, &WITHOUT_LIBRARIES) {
                next.extend(libraries(&depends));
            }
            fs::remove_file(&file)?;
        }
        next.retain(|package| known.insert(package.clone()));
        wanted = next;
    }
    Ok(())
}

fn package_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(directory)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    let is_package = |path: &PathBuf| path.extension().is_some_and(|end| end == "deb");
    Ok(paths.into_iter().filter(is_package).collect())
}

/// Whether the file is of one of `packages`: its name is `<package>_<version>_<architecture>.deb`.
fn is_one_of(file: &Path, packages: &[&str]) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    let package = name.and_then(|name| name.split_once('_'));
    package.is_some_and(|(package, _)| packages.contains(&package))
}

/// The libraries named in a `Depends` field; of alternatives the first.
fn libraries(depends: &str) -> impl Iterator<Item = String> {
    depends
        .split(',')
        .filter_map(|dependency| dependency.split(['(', '|', ':']).next())
        .map(str::trim)
        .filter(|name| name.starts_with("lib") || name.starts_with("zlib"))
        .filter(|name| !HOST_LIBRARIES.contains(name))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_dependencies_the_libraries_are_taken() {
        let depends = "libaio1 (>= 0.3.93), libc6 (>= 2.34), qemu-system-common (>> 1:7.2), \
                       zlib1g:any (>= 1:1.2.0), libglib2.0-0 | libglib2.0-0t64, seabios\n";
        let found: Vec<String> = libraries(depends).collect();
        assert_eq!(found, ["libaio1", "zlib1g", "libglib2.0-0"]);
    }
}
