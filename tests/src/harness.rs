//! Running steps as tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::lab::plan::Plan;
use crate::lab::{Lab, Programs};
use crate::netns::is_root;
use crate::steps::SERVERS;

/// Runs `test` on a lab of three real servers and a spare one, with both daemons running.
///
/// Without root or `LVX_BIN` it prints why it is skipped; with `CI=true` that is a panic. A
/// failure panics with the error, both daemons' status and their logs' ends.
///
/// # Panics
/// As described.
pub fn with_lab(demo: &str, test: impl FnOnce(&mut Lab) -> Result<()>) {
    let Some(programs) = usable(demo) else {
        return;
    };
    run(Lab::with_daemons(programs, SERVERS + 1, SERVERS), test);
}

/// As [`with_lab`], with daemons that are configured by `plan`.
///
/// # Panics
/// As described.
pub fn with_planned_lab(demo: &str, plan: &Plan, test: impl FnOnce(&mut Lab) -> Result<()>) {
    let Some(programs) = usable(demo) else {
        return;
    };
    let lab = Lab::new(programs, SERVERS, SERVERS).and_then(|mut lab| {
        lab.set_plan(plan.clone())?;
        lab.start_daemons()?;
        Ok(lab)
    });
    run(lab, test);
}

/// As [`with_planned_lab`], with a spare real server, and without the second daemon: whatever the
/// first one does, nobody takes over.
///
/// # Panics
/// As described.
pub fn with_one_director(demo: &str, plan: &Plan, test: impl FnOnce(&mut Lab) -> Result<()>) {
    let Some(programs) = usable(demo) else {
        return;
    };
    let lab = Lab::new(programs, SERVERS + 1, SERVERS).and_then(|mut lab| {
        lab.set_plan(plan.clone())?;
        lab.start_one_daemon()?;
        Ok(lab)
    });
    run(lab, test);
}

fn run(lab: Result<Lab>, test: impl FnOnce(&mut Lab) -> Result<()>) {
    let mut lab = match lab {
        Ok(lab) => lab,
        Err(error) => panic!("making the lab: {error:#}"),
    };
    if let Err(error) = test(&mut lab) {
        panic!("{error:#}\n{}", lab.explain());
    }
}

/// The programs for a lab; `None` and a line on standard error if there can be none here.
///
/// # Panics
/// There can be none, and `CI=true`.
#[must_use]
pub fn usable(demo: &str) -> Option<Programs> {
    if !is_root() {
        skip("network namespaces need root");
        return None;
    }
    let programs = match Programs::from_environment(Path::new(demo)) {
        Ok(programs) => programs,
        Err(error) => {
            skip(&format!("{error:#}"));
            return None;
        }
    };
    for tool in [
        programs.nginx.as_os_str(),
        "ip".as_ref(),
        "nsenter".as_ref(),
    ] {
        if !runs(tool) {
            skip(&format!("{} cannot be started", tool.display()));
            return None;
        }
    }
    Some(programs)
}

/// Whether a program can be started at all.
#[must_use]
pub fn runs(program: &std::ffi::OsStr) -> bool {
    Command::new(program).arg("-V").output().is_ok()
}

/// Says why a test is skipped.
///
/// # Panics
/// `CI=true`.
pub fn skip(why: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "skipped with CI=true: {why}"
    );
    eprintln!("skipped: {why}");
}

/// Whether this kernel has IPVS; if not, says that the test is skipped. `cargo xtask vm` runs it in
/// kernels that have, so this is no failure with `CI=true`.
#[must_use]
pub fn has_ipvs() -> bool {
    let has = Path::new("/proc/net/ip_vs").exists();
    if !has {
        eprintln!("skipped: this kernel has no IP_VS; `cargo xtask vm` has");
    }
    has
}
