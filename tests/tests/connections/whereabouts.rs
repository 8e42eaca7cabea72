//! `lvx where` through the states of slots.

use anyhow::ensure;
use lb_tests::harness::with_one_director;
use lb_tests::wait::wait_until;

use super::where_agrees;
use super::{DEMO, HELD, SOON, all_alive, hold, newcomers, plan, reload, slots, wait_greeted};

#[test]
fn where_names_the_server_that_serves_a_connection_in_each_state() {
    let timeouts = r#"timeouts = { established = "3s", closing = "1s" }"#;
    with_one_director(DEMO, &plan(timeouts), |lab| {
        let held = hold(lab)?;
        let states = where_agrees(lab, &held)?;
        ensure!(states.iter().eq(["stable"]), "{states:?}");

        reload(lab, &[(1, 1), (3, 2), (4, 3)])?;
        wait_greeted(lab, &newcomers(), |seen| seen.client_of("rs4").is_some())?;
        held.wait_exchanges(2)?;
        let states = where_agrees(lab, &held)?;
        ensure!(states.contains("settling"), "{states:?}");

        let director = &lab.directors[0];
        wait_until("all slots settled", SOON, || {
            Ok(slots(director, "settling")? == 0)
        })?;
        let states = where_agrees(lab, &held)?;
        ensure!(states.contains("exceptional"), "{states:?}");
        wait_until(
            "the slots without old connections to be stable",
            SOON,
            || Ok(slots(director, "exceptional")? <= HELD as u64),
        )?;
        where_agrees(lab, &held)?;

        all_alive(held)?;
        wait_until("all slots stable", SOON, || {
            Ok(slots(director, "exceptional")? == 0)
        })?;
        let server = director.real_server("echo", lab.servers[3].address())?;
        ensure!(server["state"] == "up", "{server}");
        Ok(())
    });
}
