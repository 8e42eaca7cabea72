//! Point 5: the daemon goes, by SIGKILL and by SIGTERM, while its host lives.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::client::{Load, Pace};
use crate::lab::Lab;

/// Limit of the gap when the master is stopped cleanly.
const CLEAN_GAP: Duration = Duration::from_millis(100);
/// Answers that a load must have had before something is done to the directors, and after.
const SOME: u64 = 100;

/// Kills the master's daemon with SIGKILL under load, waits for the takeover, and starts it again.
///
/// # Errors
/// A request fails: the pinned program must forward on, and the next start must not disturb.
pub fn daemon_killed(lab: &mut Lab) -> Result<String> {
    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    lab.directors[0].kill()?;
    ensure!(
        lab.directors[0].has_xdp()?,
        "the program is gone with the daemon"
    );
    lab.directors[1].wait_vrrp_state("MASTER")?;
    load.wait_answers(2 * SOME)?;
    let killed = load.finish()?.none_failed().context("after kill -9")?;

    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    lab.directors[0].start()?;
    lab.directors[0].wait_vrrp_state("MASTER")?;
    lab.directors[1].wait_vrrp_state("BACKUP")?;
    load.wait_answers(3 * SOME)?;
    let restarted = load
        .finish()?
        .none_failed()
        .context("at the start after kill -9")?;
    lab.wait_ready()?;
    Ok(format!("kill -9: {killed}; next start: {restarted}"))
}

/// Stops the master with SIGTERM, looks at what it leaves, and starts it again.
///
/// # Errors
/// The gap is longer than 100 ms, or something of lvx is left on the host.
pub fn stopped_cleanly(lab: &mut Lab) -> Result<String> {
    let load = Load::start(lab, Pace::PROBE);
    load.wait_answers(SOME)?;
    let stop = Instant::now();
    lab.directors[0].terminate()?;
    let status = lab.directors[0].wait_stopped()?;
    lab.directors[1].wait_vrrp_state("MASTER")?;
    load.wait_answers(2 * SOME)?;
    let report = load.finish()?;
    ensure!(status.success(), "lvx ended with {status} after SIGTERM");
    let (gap, end) = report.longest_gap().context("no answers")?;
    let at = end.saturating_duration_since(stop);
    ensure!(
        gap < CLEAN_GAP,
        "the gap was {} ms, until {} ms after SIGTERM",
        gap.as_millis(),
        at.as_millis()
    );

    let director = &lab.directors[0];
    ensure!(!director.has_vip()?, "the VIP is left on the host");
    ensure!(!director.has_xdp()?, "an XDP program is left on the host");
    let pins = director.pins()?;
    ensure!(pins.is_empty(), "pins are left: {pins:?}");

    lab.directors[0].start()?;
    lab.wait_ready()?;
    Ok(format!(
        "gap {} ms (limit {}); no address, no program, no pins left",
        gap.as_millis(),
        CLEAN_GAP.as_millis()
    ))
}
