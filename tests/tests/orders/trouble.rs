//! Orders that cannot be carried out, or not be kept.

use std::fs;

use anyhow::{Context, Result, ensure};
use lb_tests::harness::{with_one_director, with_prepared_director};
use lb_tests::lab::Lab;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::server_address;
use lb_tests::wait::wait_until;

use super::{
    DEMO, HEAVY, SOON, VICTIM, ask, order, ordered, orders_file, reload, state, wait_spread,
    wait_state,
};

fn log(lab: &Lab) -> Result<String> {
    fs::read_to_string(lab.directors[0].log_file()).context("the log")
}

#[test]
fn errors_name_what_exists() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let (first, victim) = (server_address(1), server_address(VICTIM).to_string());
        let known = [1, 2, 3].map(|number| server_address(number).to_string());
        let no_server = format!(
            "service echo has no real server 10.9.9.9; it has: {}",
            known.join(", ")
        );
        let no_service = "no service is called \"ehco\"; there are: web, echo";
        let not_held =
            format!("real server {victim} of service echo is neither disabled nor being drained");
        let not_set = format!(
            "no weight was set by hand for real server {victim} of service echo: the \
             configuration gives it 1"
        );
        for (arguments, error) in [
            (&["disable", "ehco", &victim][..], no_service),
            (&["enable", "ehco", &victim], no_service),
            (&["weight", "ehco", &victim, "3"], no_service),
            (&["status", "--history", "ehco"], no_service),
            (&["disable", "echo", "10.9.9.9"], &no_server),
            (&["status", "--history", "echo", "10.9.9.9"], &no_server),
            (&["enable", "echo", &victim], &not_held),
            (&["weight", "echo", &victim, "--clear"], &not_set),
            (
                &["disable", "echo", &victim, "--reason", "a\nb"],
                "the reason must be one line, without control characters",
            ),
        ] {
            let said = ask(lab, arguments)?;
            ensure!(said == Err(error.to_owned()), "{arguments:?}: {said:?}");
        }
        ensure!(lab.directors[0].sees_up(first)?, "something was done");
        Ok(())
    });
}

#[test]
fn the_order_for_a_server_that_is_configured_away_ends() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        ordered(lab, "disable", VICTIM, &[])?;
        reload(lab, &[(1, 1), (HEAVY, 1)])?;
        let address = server_address(VICTIM);
        let words = format!("the order for real server {address} of echo ends");
        wait_until("the log to tell of it", SOON, || {
            Ok(log(lab)?.contains(&words))
        })?;
        wait_until("it to leave the file", SOON, || {
            Ok(orders_file(lab)?["orders"]
                .as_array()
                .is_some_and(Vec::is_empty))
        })?;
        reload(lab, &[(1, 1), (VICTIM, 1), (HEAVY, 1)])?;
        wait_state(lab, VICTIM, "up")?;
        wait_spread(lab, &["rs1", "rs2", "rs3"]).map(drop)
    });
}

/// A file is where the directory should be.
#[test]
fn without_a_state_directory_the_director_runs_and_says_so() {
    let in_the_way = |lab: &Lab| lab.directors[0].runtime_dir().with_file_name("state");
    let prepare = |lab: &Lab| Ok(fs::write(in_the_way(lab), "")?);
    with_prepared_director(DEMO, &Plan::equal(3), prepare, |lab| {
        let path = in_the_way(lab);
        let trouble = format!("[global] state_dir {} cannot be used", path.display());
        ensure!(log(lab)?.contains(&trouble), "{}", log(lab)?);
        let error = order(lab, "disable", VICTIM, &[])?.unwrap_err();
        ensure!(
            error.starts_with("done, but") && error.contains(&trouble),
            "{error}"
        );
        ensure!(state(lab, VICTIM)? == "disabled", "it was not done");
        fs::remove_file(&path)?;
        wait_until("the order to be written", SOON, || {
            Ok(orders_file(lab)?["orders"]
                .as_array()
                .is_some_and(|all| all.len() == 1))
        })?;
        let times = log(lab)?.matches(&trouble).count();
        ensure!(times <= 2, "it was said {times} times");
        lab.directors[0].kill()?;
        lab.directors[0].start()?;
        ensure!(state(lab, VICTIM)? == "disabled", "the order was lost");
        Ok(())
    });
}
