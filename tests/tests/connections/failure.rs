//! A server fails: its own clients move, and nobody else.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use lb_tests::client::Survey;
use lb_tests::echo::greetings;
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::lab::topology::server_address;
use lb_tests::wait::wait_for;

use super::{DEMO, SOON, all_alive, hold, holders, newcomers, plan, where_agrees};

const VICTIM: u8 = 2;
/// A silent server is noticed after 0.6 s; the next repetition of a lost segment, 1.4 s after it
/// at the latest, meets a server that does not know the connection. Nobody tells a connection of
/// a server that is still used.
const MOVED: Duration = Duration::from_secs(4);

/// Waits until new connections of all `clients` are answered, none by the victim.
fn wait_avoided(lab: &Lab, clients: &[std::net::Ipv4Addr]) -> Result<Survey> {
    wait_for("the victim to be left out", SOON, || {
        // Those to the victim fail until it is noticed.
        let seen = greetings(lab, clients)?;
        Ok(seen.client_of("rs2").is_none().then_some(seen))
    })
}

fn fails(lab: &mut Lab, fail: impl FnOnce(&mut Lab) -> Result<()>) -> Result<()> {
    let before = greetings(lab, &newcomers())?;
    let mut others = hold(lab)?;
    let its_own = others.split_off("rs2");
    let start = Instant::now();
    fail(lab)?;
    its_own.wait_broken()?;
    let broken = start.elapsed();
    ensure!(broken < MOVED, "they hung for {broken:?}");
    let during = wait_avoided(lab, &newcomers())?;
    let mut stayed = before.moved(&during);
    stayed.retain(|(_, was, _)| *was != "rs2");
    // Maglev moves a few of the others' new connections; held ones stay.
    ensure!(stayed.len() * 4 < newcomers().len(), "{stayed:?}");
    wait_avoided(lab, &holders())?;
    where_agrees(lab, &others)?;
    let server = lab.directors[0].real_server("echo", server_address(VICTIM))?;
    ensure!(server["state"] != "up", "{server}");
    all_alive(others)
}

#[test]
fn clients_of_a_server_whose_process_dies_move_and_others_stay() {
    with_one_director(DEMO, &plan(""), |lab| {
        fails(lab, |lab| {
            lab.servers[usize::from(VICTIM) - 1].kill();
            Ok(())
        })
    });
}

#[test]
fn clients_of_a_server_that_falls_silent_move_and_others_stay() {
    with_one_director(DEMO, &plan(""), |lab| {
        fails(lab, |lab| lab.set_server_link(VICTIM, false))?;
        lab.set_server_link(VICTIM, true)?;
        lab.wait_one_ready()
    });
}
