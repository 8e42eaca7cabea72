//! Point 7: reloads under load.

use std::ops::Range;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::servers::wait_answered;
use super::spread::as_predicted;
use super::{SERVERS, predicted};
use crate::client::{Load, Pace, Survey, survey};
use crate::lab::plan::Plan;
use crate::lab::topology::server_address;
use crate::lab::{Lab, WEB_PORT};

/// Answers that the load must have had before the first reload and after the last.
const SOME: u64 = 100;

/// Adds the spare real server, changes a weight, tries a broken file, and goes back to where it
/// started, all under load.
///
/// # Errors
/// A new connection fails, a reload has not the wanted effect, or a broken file has any.
pub fn reloads(lab: &mut Lab) -> Result<String> {
    let original = lab.plan().clone();
    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    let before = survey(lab, WEB_PORT, 1)?;
    let mut changes = Vec::new();

    let spare = lab.servers[usize::from(SERVERS)].name();
    let mut plan = original.clone();
    plan.servers.push((SERVERS + 1, 1));
    let added = change(lab, &plan, &mut changes, &spare).context("adding a server")?;
    let on_spare = clients_of(&added, &spare);
    ensure!(
        on_spare > 0,
        "nobody is on {spare}: {}",
        added.spread_text()
    );
    let elsewhere = before.moved(&added).len() - on_spare;

    plan.servers[0].1 = 3;
    let heavy = change(lab, &plan, &mut changes, "rs1").context("changing a weight")?;
    let (light_rs1, heavy_rs1) = (clients_of(&added, "rs1"), clients_of(&heavy, "rs1"));
    ensure!(
        heavy_rs1 > light_rs1,
        "rs1 with weight 3: {}",
        heavy.spread_text()
    );

    broken(lab).context("a broken file")?;
    let unchanged = survey(lab, WEB_PORT, 1)?;
    ensure!(unchanged == heavy, "a refused reload moved clients");

    let last = change(lab, &original, &mut changes, "rs2").context("going back")?;
    ensure!(
        last == before,
        "not as before the reloads: {}",
        last.spread_text()
    );
    load.wait_answers(SOME)?;
    let mut report = load.finish()?;
    let broken_off = report.take_broken_off(&changes);
    let most = changes.len() * Pace::STEADY.threads as usize;
    ensure!(
        broken_off <= most,
        "{broken_off} connections broke at {} reloads",
        changes.len()
    );
    let figures = report.none_failed()?;
    Ok(format!(
        "{spare} added ({on_spare} clients to it, {elsewhere} elsewhere), rs1 to weight 3 \
         ({light_rs1} to {heavy_rs1} clients), broken file refused; {figures}; {broken_off} open \
         ones of moved clients broken off"
    ))
}

fn clients_of(survey: &Survey, server: &str) -> usize {
    survey.spread().get(server).copied().unwrap_or(0)
}

/// Reloads both directors with `plan`, by which `gaining` gets clients, and waits until it has
/// them. Adds the time of the change to `changes`, and gives who is on which server then.
fn change(
    lab: &mut Lab,
    plan: &Plan,
    changes: &mut Vec<Range<Instant>>,
    gaining: &str,
) -> Result<Survey> {
    let before = predicted(lab, &lab.directors[0])?;
    let start = Instant::now();
    reload(lab, plan.clone())?;
    for director in &lab.directors {
        for (number, _) in &plan.servers {
            director.wait_server(server_address(*number), true)?;
        }
    }
    let expected = predicted(lab, &lab.directors[0])?;
    let moved = before.moved(&expected);
    let mover = moved.iter().find(|(_, _, to)| *to == gaining);
    let (client, ..) = mover.with_context(|| format!("no client moved to {gaining}"))?;
    wait_answered(lab, *client, gaining, true)?;
    changes.push(start..Instant::now());
    let seen = survey(lab, WEB_PORT, 1)?;
    for director in &lab.directors {
        as_predicted(lab, director, &seen)?;
    }
    Ok(seen)
}

fn reload(lab: &mut Lab, plan: Plan) -> Result<()> {
    lab.set_plan(plan)?;
    for director in &lab.directors {
        if let Err(text) = director.reload()? {
            anyhow::bail!("{} refused a good file: {text}", director.name());
        }
    }
    Ok(())
}

/// A broken file must be refused with its place, and be in the status until a good one comes.
fn broken(lab: &mut Lab) -> Result<()> {
    let plan = lab.plan().clone();
    for director in &lab.directors {
        director.write_config("[global]\nrouter_id = \"lb1\"\nno_such_key = 1\n")?;
        let text = director.reload()?.err().context("it was accepted")?;
        ensure!(
            text.contains(":3:1"),
            "the answer does not name line 3, column 1: {text}"
        );
        let status = director.status()?;
        let error = status["config"]["error"].as_str().unwrap_or_default();
        ensure!(error.contains("no_such_key"), "not in the status: {status}");
    }
    reload(lab, plan)?;
    let status = lab.directors[0].status()?;
    ensure!(
        status["config"]["error"].is_null(),
        "still an error after a good one: {status}"
    );
    Ok(())
}
