//! nginx, the lab's HTTP server. It is unpacked below the target directory
//! and never installed: a package would start a server on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::apt;
use crate::{sh, workspace::Workspace};

/// Packages that hold /usr/sbin/nginx, on one release or another.
const PACKAGES: [&str; 3] = ["nginx", "nginx-core", "nginx-light"];

/// The nginx on `PATH`, or one of our own.
pub(super) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(nginx) = sh::find("nginx") {
        return Ok(nginx);
    }
    let directory = workspace.tools().join("nginx");
    let nginx = directory.join("usr/sbin/nginx");
    if !nginx.is_file() {
        if sh::find("apt-get").is_none() {
            bail!("no nginx on PATH, and no apt-get to fetch one with: install nginx");
        }
        eprintln!("setup: will unpack nginx into {}", directory.display());
        unpack(&directory)?;
    }
    if let Some(missing) = missing_library(&nginx) {
        eprintln!("setup: nginx lacks {missing}");
        let depends = depends(&directory)?;
        apt::install(&apt::not_installed(&library_packages(&depends)))?;
    }
    sh::output(Command::new(&nginx).arg("-v")).context("the unpacked nginx does not run")?;
    Ok(nginx)
}

/// Unpacks into `directory` the first package that has the program in it.
fn unpack(directory: &Path) -> Result<()> {
    for package in PACKAGES {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        apt::download(&[package], directory)?;
        let mut command = Command::new("dpkg-deb");
        sh::run(command.arg("-x").arg(deb(directory)?).arg(directory))?;
        if directory.join("usr/sbin/nginx").is_file() {
            return Ok(());
        }
    }
    bail!("none of the packages {} has an nginx", PACKAGES.join(", "));
}

/// The one package file in `directory`.
fn deb(directory: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(directory)?.flatten().map(|file| file.path());
    files
        .find(|path| path.extension().is_some_and(|end| end == "deb"))
        .with_context(|| format!("no package file in {}", directory.display()))
}

/// The first shared library that `program` does not find here.
fn missing_library(program: &Path) -> Option<String> {
    let libraries = sh::output(Command::new("ldd").arg(program)).ok()?;
    let missing = libraries.lines().find(|line| line.contains("not found"))?;
    missing.split_whitespace().next().map(str::to_owned)
}

/// The `Depends` field of the unpacked package.
fn depends(directory: &Path) -> Result<String> {
    let mut command = Command::new("dpkg-deb");
    sh::output(command.arg("-f").arg(deb(directory)?).arg("Depends"))
}

/// The libraries named in a `Depends` field; of alternatives the first.
fn library_packages(depends: &str) -> Vec<&str> {
    depends
        .split(',')
        .filter_map(|dependency| dependency.split(['(', '|']).next())
        .map(str::trim)
        .filter(|name| name.starts_with("lib") || name.starts_with("zlib"))
        .filter(|name| !name.starts_with("libnginx"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_are_taken_from_the_dependencies() {
        let depends = "libc6 (>= 2.34), libpcre2-8-0 (>= 10.22), libssl3 | libssl3t64, \
                       zlib1g (>= 1:1.1.4), iproute2, nginx-common (<< 2), libnginx-mod-stream\n";
        assert_eq!(
            library_packages(depends),
            ["libc6", "libpcre2-8-0", "libssl3", "zlib1g"]
        );
    }
}
