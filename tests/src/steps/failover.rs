//! Points 4, 6 and 8: the master's host dies and returns, and connections are held through it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::client::{Load, Pace, survey};
use crate::echo::{Held, Life};
use crate::lab::plan::failover_limit;
use crate::lab::topology::client_addresses;
use crate::lab::{Lab, WEB_PORT};

/// Held connections.
const HELD: usize = 5;
/// Answers that a load must have had before something is done to the directors, and after.
const SOME: u64 = 100;

/// Cuts the master's link and kills its daemon while requests and held connections run. Leaves
/// `lb1` dead and `lb2` MASTER. The two results are of points 4 and 8.
pub fn host_dies(lab: &mut Lab) -> (Result<String>, Result<String>) {
    let clients: Vec<Ipv4Addr> = client_addresses().into_iter().step_by(60).collect();
    debug_assert_eq!(clients.len(), HELD);
    let held = match Held::open(lab, &clients) {
        Ok(held) => held,
        Err(error) => {
            let text = format!("{error:#}");
            return (Err(error), Err(anyhow::anyhow!(text)));
        }
    };
    let failover = fail_over(lab);
    let survived = held
        .wait_exchanges(10)
        .and_then(|()| held.finish())
        .map(|lives| describe(&lives));
    (failover, survived)
}

fn fail_over(lab: &mut Lab) -> Result<String> {
    let before = survey(lab, WEB_PORT, 1)?;
    let load = Load::start(lab, Pace::PROBE);
    load.wait_answers(SOME)?;
    let cut = Instant::now();
    lab.set_link(1, false)?;
    lab.directors[0].kill()?;
    lab.directors[1].wait_vrrp_state("MASTER")?;
    load.wait_answers(SOME)?;
    let report = load.finish()?;
    let (gap, end) = report.longest_gap().context("no answers")?;
    let limit = failover_limit();
    ensure!(end >= cut, "the longest gap was before the failover");
    ensure!(
        gap <= limit,
        "the gap was {} ms, over {} ms",
        gap.as_millis(),
        limit.as_millis()
    );
    let after = survey(lab, WEB_PORT, 1)?;
    let moved = before.moved(&after);
    if let Some((client, was, is)) = moved.first() {
        bail!("{} clients moved, {client} from {was} to {is}", moved.len());
    }
    Ok(format!(
        "gap {} ms (limit {}); all {} clients on the same server as before",
        gap.as_millis(),
        limit.as_millis(),
        client_addresses().len()
    ))
}

fn describe(lives: &[Life]) -> String {
    let exchanges: u64 = lives.iter().map(|life| life.exchanges).sum();
    let longest = lives.iter().map(|life| life.longest_wait).max();
    format!(
        "{} of {HELD} alive, {exchanges} bytes each way, longest wait {} ms",
        lives.len(),
        longest.unwrap_or(Duration::ZERO).as_millis()
    )
}

/// Boots `lb1` again after [`host_dies`], under load, and waits until it has preempted.
///
/// # Errors
/// A request fails, or `lb1` does not become MASTER.
pub fn host_returns(lab: &mut Lab) -> Result<String> {
    lab.directors[0].reset_host()?;
    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    lab.set_link(1, true)?;
    lab.directors[0].start()?;
    lab.directors[0].wait_vrrp_state("MASTER")?;
    lab.directors[1].wait_vrrp_state("BACKUP")?;
    load.wait_answers(3 * SOME)?;
    let figures = load.finish()?.none_failed()?;
    lab.wait_ready()?;
    Ok(format!("it preempted; {figures}"))
}
