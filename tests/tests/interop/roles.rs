//! What every pair of implementations is put through.

use anyhow::{Context, Result, ensure};
use lb_tests::vrrp_lab::{Ours, PATIENCE, Role, Router, Settings, VrrpLab, wait_role, wait_roles};
use lb_tests::wait::wait_until;

/// What `status` says after a master's priority 0.
const GAVE_UP: &str = "gave up (priority 0)";

/// Another implementation that can be started and stopped cleanly.
pub(crate) struct Other<T> {
    pub(crate) start: fn(&VrrpLab, usize, &Settings) -> Result<T>,
    pub(crate) stop: fn(T) -> Result<()>,
    /// What its log says when it has heard priority 0, if it says so.
    pub(crate) heard_resignation: Option<&'static str>,
}

/// lvx as master of the other, as its backup, and a clean stop of either.
pub(crate) fn both_ways<T: Router>(
    lab: &VrrpLab,
    ours: &Settings,
    theirs: &Settings,
    other: &Other<T>,
) -> Result<()> {
    let them = (other.start)(lab, 1, &theirs.priority(150))?;
    wait_role(&them, Role::Master).context("the other alone")?;

    let us = lab.ours(0, &ours.priority(200))?;
    wait_roles(&us, &them, ours).context("lvx has the higher priority")?;
    hears_nothing_wrong(&us)?;
    us.stop()?;
    wait_role(&them, Role::Master).context("lvx was stopped")?;
    ensure!(
        them.host().holds(ours.vip())?,
        "{} is master without the address",
        them.name()
    );
    if let Some(line) = other.heard_resignation {
        ensure!(
            them.log().contains(line),
            "{} did not hear priority 0:\n{}",
            them.name(),
            them.log()
        );
    }

    let us = lab.ours(0, &ours.priority(100))?;
    stays_backup(&us, &them, ours).context("lvx has the lower priority")?;
    hears_nothing_wrong(&us)?;
    (other.stop)(them)?;
    wait_role(&us, Role::Master).context("the other was stopped")?;
    let reason = us.reason()?;
    ensure!(reason.contains(GAVE_UP), "took over because {reason}");
    Ok(())
}

/// `us` follows `them` for ten advertisements, which is longer than any master-down time.
pub(crate) fn stays_backup(us: &Ours, them: &dyn Router, settings: &Settings) -> Result<()> {
    wait_roles(them, us, settings)?;
    let changes = changes(us);
    let before = us.adverts_received()?;
    wait_until("ten advertisements", PATIENCE, || {
        Ok(us.adverts_received()? >= before + 10)
    })?;
    wait_roles(them, us, settings)?;
    let after = self::changes(us);
    ensure!(
        changes == after,
        "lvx changed its state meanwhile:\n{}",
        us.log()
    );
    Ok(())
}

/// How often its log tells of a state; not a word of its form.
fn changes(us: &Ours) -> usize {
    let text = us.output();
    let states = ["BACKUP", "MASTER", "Backup", "Master"];
    text.lines()
        .filter(|line| states.iter().any(|state| line.contains(state)))
        .count()
}

fn hears_nothing_wrong(us: &Ours) -> Result<()> {
    let status = us.status()?;
    let errors = status["errors"].as_array().context("errors")?;
    ensure!(errors.is_empty(), "lvx dropped advertisements: {errors:?}");
    Ok(())
}
