//! Each transition of a real server: with its cause, and how long it was what it was.

use anyhow::{Context, Result, ensure};
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::server_address;
use lb_tests::wait::wait_until;
use serde_json::Value;

use super::{DEMO, SOON, VICTIM, ask, ordered, wait_state};

fn transitions(lab: &Lab, more: &[&str]) -> Result<Vec<Value>> {
    let arguments = [&["status", "--json", "--history"], more].concat();
    let text = ask(lab, &arguments)?.map_err(anyhow::Error::msg)?;
    let history: Value = serde_json::from_str(&text)?;
    history["transitions"]
        .as_array()
        .cloned()
        .context("transitions")
}

/// The states of the victim, oldest first.
fn path(lab: &Lab) -> Result<String> {
    let address = server_address(VICTIM).to_string();
    let mut all = transitions(lab, &["echo", &address])?;
    all.reverse();
    // While its MAC is not known depends on who was faster.
    let states = all.iter().filter_map(|one| one["to"].as_str());
    let states: Vec<&str> = states.filter(|state| *state != "no-mac").collect();
    Ok(states.join(" "))
}

#[test]
fn the_history_of_a_server_tells_causes_and_durations() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        wait_state(lab, VICTIM, "up")?;
        lab.servers[usize::from(VICTIM) - 1].kill();
        wait_state(lab, VICTIM, "down")?;
        let address = server_address(VICTIM).to_string();
        let down = transitions(lab, &["echo", &address])?.remove(0);
        ensure!(
            down["from"] == "up" && down["to"] == "down" && down["server"] == *address,
            "{down}"
        );
        let cause = down["cause"].as_str().context("a cause")?;
        ensure!(cause.contains("refused"), "{cause}");
        ensure!(
            down["lasted"].as_u64().is_some_and(|lasted| lasted > 0),
            "{down}"
        );

        lab.start_server(VICTIM)?;
        wait_state(lab, VICTIM, "up")?;
        ordered(lab, "drain", VICTIM, &["--deadline", "1s"])?;
        wait_state(lab, VICTIM, "drained")?;
        ordered(lab, "disable", VICTIM, &[])?;
        ordered(lab, "enable", VICTIM, &[])?;
        wait_state(lab, VICTIM, "up")?;
        let seen = path(lab)?;
        ensure!(seen == "up down up draining drained disabled up", "{seen}");

        // One line of the log for a verdict, with the duration.
        let log = std::fs::read_to_string(lab.directors[0].log_file())?;
        let about = format!("real server {address} of echo is down after ");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&about)).collect();
        ensure!(
            lines.len() == 1 && lines[0].contains(" up: ") && lines[0].contains("refused"),
            "{lines:?}"
        );
        for words in [
            " draining: the deadline of its drain has passed".to_owned(),
            format!("real server {address} of echo is disabled, by order of user id 0"),
        ] {
            ensure!(log.contains(&words), "no {words:?} in {log}");
        }

        let text = ask(lab, &["status", "--history", "echo", &address])?;
        let text = text.map_err(anyhow::Error::msg)?;
        let latest = text.lines().next().context("a line")?;
        ensure!(
            latest.contains("disabled") && latest.ends_with("it is enabled again"),
            "{text}"
        );
        let all = transitions(lab, &[])?;
        let others = transitions(lab, &["web"])?;
        ensure!(
            others.iter().all(|one| one["service"] == "web"),
            "{others:?}"
        );
        ensure!(all.len() > others.len(), "{all:?}");
        Ok(())
    });
}

#[test]
fn the_history_begins_with_the_daemon() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        ordered(lab, "drain", VICTIM, &[])?;
        wait_state(lab, VICTIM, "draining")?;
        lab.directors[0].kill()?;
        lab.directors[0].start()?;
        wait_until("the states of the new daemon", SOON, || {
            Ok(path(lab)? == "draining")
        })
    });
}
