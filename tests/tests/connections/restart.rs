//! The daemon dies and another one goes on.

use anyhow::{Result, ensure};
use lb_tests::client::{Load, Pace};
use lb_tests::echo::Held;
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::wait::wait_until;

use super::{
    DEMO, SOON, all_alive, hold, newcomers, number, plan, reload, slots, wait_greeted, where_agrees,
};

/// Answers that a load must have had before something is done, and after.
const SOME: u64 = 100;

/// SIGKILL, and a new daemon, while requests come.
fn killed_and_started(lab: &mut Lab) -> Result<()> {
    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    lab.directors[0].kill()?;
    ensure!(
        lab.directors[0].has_xdp()?,
        "the program went with the daemon"
    );
    load.wait_answers(SOME)?;
    lab.directors[0].start()?;
    lab.wait_one_ready()?;
    load.wait_answers(SOME)?;
    eprintln!("{}", load.finish()?.none_failed()?);
    Ok(())
}

fn records(lab: &Lab) -> Result<u64> {
    let status = lab.directors[0].status()?;
    number(&status["dataplane"]["records"][0], "used")
}

#[test]
fn a_new_daemon_adopts_slots_that_settle_and_the_records() {
    with_one_director(DEMO, &plan(""), |lab| {
        let older = hold(lab)?;
        reload(lab, &[(1, 1), (3, 2), (4, 3)])?;
        wait_greeted(lab, &newcomers(), |seen| seen.client_of("rs4").is_some())?;
        let newer = Held::open(lab, &newcomers()[..20])?;
        let before = lab.directors[0].service("echo")?["slots"].clone();
        ensure!(number(&before, "settling")? > 0, "{before}");
        older.wait_exchanges(2)?;

        killed_and_started(lab)?;
        older.wait_exchanges(2)?;
        newer.wait_exchanges(2)?;
        let after = lab.directors[0].service("echo")?["slots"].clone();
        let settling = |slots| number(slots, "settling");
        ensure!(
            settling(&after)? == settling(&before)?,
            "{before} became {after}"
        );
        wait_until("the records", SOON, || Ok(records(lab)? > 0))?;
        let states = where_agrees(lab, &older)?;
        ensure!(states.contains("settling"), "{states:?}");
        where_agrees(lab, &newer)?;

        // The slots' history was taken over, too: another change does not cost a connection.
        reload(lab, &[(1, 1), (3, 1)])?;
        wait_greeted(lab, &newcomers(), |seen| seen.client_of("rs4").is_none())?;
        all_alive(older)?;
        all_alive(newer)
    });
}

#[test]
fn a_new_daemon_adopts_exceptional_slots() {
    let timeouts = r#"timeouts = { established = "2s", closing = "1s" }"#;
    with_one_director(DEMO, &plan(timeouts), |lab| {
        let held = hold(lab)?;
        reload(lab, &[(1, 1), (3, 2), (4, 3)])?;
        wait_until("exceptional slots", SOON, || {
            let director = &lab.directors[0];
            Ok(slots(director, "settling")? == 0 && slots(director, "exceptional")? > 0)
        })?;
        killed_and_started(lab)?;
        let states = where_agrees(lab, &held)?;
        ensure!(states.contains("exceptional"), "{states:?}");
        all_alive(held)
    });
}
