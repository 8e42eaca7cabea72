//! Draining, by command and by the file.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lb_tests::echo::greetings;
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::lab::topology::server_address;
use lb_tests::wait::wait_until;

use super::{
    DEMO, FORGETFUL, SOON, all_alive, hold, newcomers, number, plan, reload, wait_greeted,
    where_agrees,
};

const VICTIM: u8 = 2;
const DEADLINE: Duration = Duration::from_secs(2);

fn ask(lab: &Lab, arguments: &[&str]) -> Result<()> {
    let address = server_address(VICTIM).to_string();
    let mut all = vec![arguments[0], "echo", &address];
    all.extend(&arguments[1..]);
    let output = lab.directors[0].ask(&all)?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(())
}

/// State and `remaining` of the server.
fn drained(lab: &Lab) -> Result<(String, Option<u64>)> {
    let server = lab.directors[0].real_server("echo", server_address(VICTIM))?;
    let state = server["state"].as_str().context("a state")?;
    Ok((state.to_owned(), server["remaining"].as_u64()))
}

/// Drains the server by `begin`, looks at what becomes of its clients, and gives it clients again
/// by `end`.
fn drains(
    lab: &mut Lab,
    begin: impl FnOnce(&mut Lab) -> Result<()>,
    end: impl FnOnce(&mut Lab) -> Result<()>,
) -> Result<()> {
    let before = greetings(lab, &newcomers())?;
    let mut others = hold(lab)?;
    let its_own = others.split_off("rs2");
    let count = its_own.count() as u64;
    ensure!(before.client_of("rs2").is_some(), "{before:?}");

    begin(lab)?;
    let spread_to = |survey: &lb_tests::client::Survey, servers: usize| {
        survey.spread().len() == servers && survey.client_of("rs2").is_none() == (servers == 2)
    };
    wait_greeted(lab, &newcomers(), |seen| spread_to(seen, 2))?;
    its_own.wait_exchanges(5)?;
    others.wait_exchanges(5)?;
    wait_until("its connections in `remaining`", SOON, || {
        let (state, remaining) = drained(lab)?;
        ensure!(state == "draining", "{state}");
        Ok(remaining.is_some_and(|remaining| remaining >= count))
    })?;
    where_agrees(lab, &its_own)?;
    where_agrees(lab, &others)?;
    let seen = greetings(lab, &newcomers())?;
    ensure!(seen.client_of("rs2").is_none(), "{}", seen.spread_text());
    all_alive(its_own)?;
    wait_until("`remaining` to fall to 0", SOON, || {
        Ok(drained(lab)? == ("draining".to_owned(), Some(0)))
    })?;

    end(lab)?;
    let after = wait_greeted(lab, &newcomers(), |seen| spread_to(seen, 3))?;
    ensure!(
        after == before,
        "{} clients moved",
        after.moved(&before).len()
    );
    let (state, remaining) = drained(lab)?;
    ensure!(state == "up" && remaining.is_none(), "{state}");
    all_alive(others)
}

#[test]
fn a_server_that_is_drained_keeps_its_connections_and_gets_no_new_ones() {
    with_one_director(DEMO, &plan(FORGETFUL), |lab| {
        drains(
            lab,
            |lab| ask(lab, &["drain"]),
            |lab| ask(lab, &["undrain"]),
        )
    });
}

#[test]
fn weight_0_in_the_file_drains() {
    with_one_director(DEMO, &plan(FORGETFUL), |lab| {
        drains(
            lab,
            |lab| reload(lab, &[(1, 1), (VICTIM, 0), (3, 1)]),
            |lab| reload(lab, &[(1, 1), (VICTIM, 1), (3, 1)]),
        )
    });
}

#[test]
fn the_deadline_of_a_drain_ends_its_connections_and_no_others() {
    with_one_director(DEMO, &plan(FORGETFUL), |lab| {
        let mut others = hold(lab)?;
        let its_own = others.split_off("rs2");
        let start = Instant::now();
        ask(lab, &["drain", "--deadline", "2s"])?;
        its_own.wait_exchanges(5)?;
        ensure!(drained(lab)?.0 == "draining", "{:?}", drained(lab)?);
        its_own.wait_broken()?;
        let after = start.elapsed();
        ensure!(after >= DEADLINE, "they broke after {after:?}");
        let (state, remaining) = drained(lab)?;
        ensure!(state == "drained" && remaining.is_none(), "{state}");
        let seen = greetings(lab, &newcomers())?;
        ensure!(seen.client_of("rs2").is_none(), "{}", seen.spread_text());
        where_agrees(lab, &others)?;
        let notes = lab.directors[0].status()?["dataplane"]["notes"].clone();
        for note in notes.as_array().context("notes")? {
            ensure!(number(note, "packets")? == 0, "{note}");
        }
        all_alive(others)
    });
}
