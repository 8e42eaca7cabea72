//! Packages of Debian and its descendants.

use std::{fs, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::sh;

/// For systems where the packages are not to be had.
pub(super) const OTHER_WAY: &str = "lvx needs: a rustup toolchain >= 1.95 with its sources (`rustup component \
    add rust-src`), bpf-linker >= 0.13 built with an LLVM no older than that toolchain's, and the \
    programs ip, nsenter, ethtool, bpftool, dnsmasq, openssl, redis-check-rdb and nginx";

/// Installs `packages`; does nothing when there are none.
///
/// # Errors
/// When we are not root, with the commands to type; when there is no apt, or
/// it does not have the packages, with what is needed instead.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let words = packages.join(" ");
    if sh::find("apt-get").is_none() {
        bail!("this is neither Debian nor Ubuntu, and setup cannot install {words}.\n{OTHER_WAY}");
    }
    if !sh::is_root() {
        bail!(
            "missing packages, and only root can install them. Type:\n\n\
             sudo apt-get update\n\
             sudo apt-get install --yes --no-install-recommends {words}\n\n\
             and then this command again."
        );
    }
    eprintln!("setup: will install the packages {words}");
    update()?;
    let mut command = apt_get(&["install", "--yes", "--no-install-recommends"]);
    sh::run(command.args(packages)).with_context(|| {
        format!("apt-get could not install everything (tried with Debian 12).\n{OTHER_WAY}")
    })
}

/// Fetches the package lists, so that an old image does not ask the mirror
/// for packages that it has no longer.
fn update() -> Result<()> {
    let updated = sh::run(&mut apt_get(&["update"]));
    match updated {
        // One dead repository of many need not matter; apt-get install tells.
        Err(error) if has_lists() => {
            eprintln!("setup: {error:#}; going on with the lists that are there");
            Ok(())
        }
        other => other,
    }
}

/// Whether apt knows any packages.
fn has_lists() -> bool {
    let Ok(lists) = fs::read_dir("/var/lib/apt/lists") else {
        return false;
    };
    lists
        .flatten()
        .any(|list| list.file_name().to_string_lossy().contains("_Packages"))
}

/// Downloads the newest `.deb` of each of `packages` into the directory `into`.
/// Needs no root, but package lists: they are fetched when there are none.
pub(crate) fn download(packages: &[&str], into: &Path) -> Result<()> {
    lists_for(&packages.join(" "))?;
    let mut command = apt_get(&["-qq", "download"]);
    if sh::is_root() {
        // Else apt warns that its own user may not write here.
        command.args(["-o", "APT::Sandbox::User=root"]);
    }
    let downloaded = sh::run(command.args(packages).current_dir(into));
    if downloaded.is_ok() || !sh::is_root() {
        return downloaded;
    }
    // The mirror keeps no version that a list of last month still names.
    eprintln!("setup: will fetch new package lists and try again");
    update()?;
    sh::run(&mut command)
}

/// Makes sure that apt knows packages at all, before it is asked for `words`.
pub(crate) fn lists_for(words: &str) -> Result<()> {
    if has_lists() {
        return Ok(());
    }
    if !sh::is_root() {
        bail!(
            "apt has no package lists to find {words} with. Type:\n\n\
             sudo apt-get update\n\n\
             and then this command again."
        );
    }
    update()
}

/// Those of `packages` that are not installed.
pub(super) fn not_installed<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let mut missing = packages.to_vec();
    missing.retain(|package| {
        let mut query = Command::new("dpkg-query");
        let status = sh::output(query.args(["-W", "-f", "${db:Status-Status}", package]));
        !status.is_ok_and(|status| status.starts_with("installed"))
    });
    missing
}

fn apt_get(words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(words);
    command
}
