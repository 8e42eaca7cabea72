//! Schedulers that give each connection a server of its own, on XDP.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use lb_tests::echo::Held;
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::server_address;

use super::{DEMO, FORGETFUL, all_alive, hold, newcomers, plan, reload, where_agrees};

fn scheduled(scheduler: &'static str) -> Plan {
    Plan {
        echo_scheduler: scheduler,
        ..plan(FORGETFUL)
    }
}

/// Adds a server, kills the daemon and starts one, with connections that are held: those from
/// before, and those after the reload with the numbers of them on each server.
fn through_changes(lab: &mut Lab) -> Result<BTreeMap<String, usize>> {
    let service = lab.directors[0].service("echo")?;
    ensure!(service["plane"] == "xdp", "{service}");
    let held = hold(lab)?;
    for (server, count) in held.survey()?.spread() {
        // Connections that open at the same time may not see each other yet.
        ensure!((8..=12).contains(&count), "{server} has {count}");
    }
    reload(lab, &[(1, 1), (2, 1), (3, 1), (4, 1)])?;
    lab.directors[0].wait_server(server_address(4), true)?;
    held.wait_exchanges(3)?;
    let later = Held::open(lab, &newcomers()[..8])?;
    lab.directors[0].kill()?;
    held.wait_exchanges(2)?;
    lab.directors[0].start()?;
    lab.wait_one_ready()?;
    held.wait_exchanges(2)?;
    later.wait_exchanges(2)?;
    for held in [&held, &later] {
        let states = where_agrees(lab, held)?;
        ensure!(states.iter().eq(["flow"]), "{states:?}");
    }
    // A server that leaves keeps its own.
    reload(lab, &[(1, 1), (3, 1), (4, 1)])?;
    held.wait_exchanges(3)?;
    where_agrees(lab, &held)?;
    let survey = later.survey()?;
    let spread = survey.spread().into_iter();
    let spread = spread.map(|(server, count)| (server.to_owned(), count));
    let spread = spread.collect();
    all_alive(later)?;
    all_alive(held)?;
    Ok(spread)
}

#[test]
fn rr_gives_connections_to_servers_in_turn_and_they_stay() {
    with_one_director(DEMO, &scheduled("rr"), |lab| {
        let later = through_changes(lab)?;
        ensure!(later.values().eq(&[2, 2, 2, 2]), "{later:?}");
        Ok(())
    });
}

#[test]
fn wlc_gives_connections_to_the_server_with_the_fewest_and_they_stay() {
    with_one_director(DEMO, &scheduled("wlc"), |lab| {
        let later = through_changes(lab)?;
        // The one that was added has none.
        ensure!(later.get("rs4") == Some(&8), "{later:?}");
        Ok(())
    });
}
