//! Orders by hand: what they do, and how long they stand. The history of real servers.

#[path = "orders/history.rs"]
mod history;
#[path = "orders/trouble.rs"]
mod trouble;

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::Survey;
use lb_tests::echo::{Held, greetings};
use lb_tests::harness::with_one_director;
use lb_tests::lab::Lab;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::{client_addresses, server_address};
use lb_tests::wait::wait_until;
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
/// Time for a change to be seen.
const SOON: Duration = Duration::from_secs(10);
/// The server that is disabled, `rs2`.
const VICTIM: u8 = 2;
/// The one whose weight is set.
const HEAVY: u8 = 3;

/// A command about a real server of `echo`: what it prints, on stdout if it succeeds.
fn order(lab: &Lab, verb: &str, server: u8, more: &[&str]) -> Result<Result<String, String>> {
    let address = server_address(server).to_string();
    let arguments: Vec<&str> = [verb, "echo", &address]
        .iter()
        .chain(more)
        .copied()
        .collect();
    ask(lab, &arguments)
}

fn ask(lab: &Lab, arguments: &[&str]) -> Result<Result<String, String>> {
    let output = lab.directors[0].ask(arguments)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match output.status.code() {
        Some(0) => Ok(Ok(text(&output.stdout))),
        Some(1) => Ok(Err(text(&output.stderr))),
        Some(_) | None => anyhow::bail!("{arguments:?}: {output:?}"),
    }
}

/// Carries an order out that must succeed.
fn ordered(lab: &Lab, verb: &str, server: u8, more: &[&str]) -> Result<String> {
    let done = order(lab, verb, server, more)?;
    done.map_err(|error| anyhow::anyhow!("{verb} {server} {more:?}: {error}"))
}

fn status(lab: &Lab, server: u8) -> Result<Value> {
    lab.directors[0].real_server("echo", server_address(server))
}

fn state(lab: &Lab, server: u8) -> Result<String> {
    let state = status(lab, server)?["state"].as_str().map(str::to_owned);
    state.context("a state")
}

fn wait_state(lab: &Lab, server: u8, wanted: &str) -> Result<()> {
    wait_until(&format!("rs{server} to be {wanted}"), SOON, || {
        Ok(state(lab, server)? == wanted)
    })
}

fn clients() -> Vec<Ipv4Addr> {
    client_addresses().into_iter().step_by(5).collect()
}

/// Waits until `clients`' new connections go to these servers alone, and to each.
fn wait_spread(lab: &Lab, servers: &[&str]) -> Result<Survey> {
    let mut last = greetings(lab, &clients())?;
    wait_until("new connections to go elsewhere", SOON, || {
        last = greetings(lab, &clients())?;
        Ok(last.spread().keys().copied().eq(servers.iter().copied()))
    })
    .with_context(|| last.spread_text())?;
    Ok(last)
}

fn packets(lab: &Lab, server: u8) -> Result<u64> {
    status(lab, server)?["packets"].as_u64().context("packets")
}

fn reload(lab: &mut Lab, servers: &[(u8, u16)]) -> Result<()> {
    let plan = Plan {
        servers: servers.to_vec(),
        ..lab.plan().clone()
    };
    lab.set_plan(plan)?;
    let reloaded = lab.directors[0].reload()?;
    reloaded.map_err(|text| anyhow::anyhow!("a good file was refused: {text}"))
}

fn orders_file(lab: &Lab) -> Result<Value> {
    let state_dir = lab.directors[0].runtime_dir().with_file_name("state");
    let text = std::fs::read_to_string(state_dir.join("orders.json")).context("orders.json")?;
    Ok(serde_json::from_str(&text)?)
}

/// `rs2` is disabled for this reason and gets nothing, `rs3` has the weight 5.
fn orders_stand(lab: &Lab) -> Result<()> {
    wait_until("a verdict about the disabled server", SOON, || {
        let (victim, heavy) = (status(lab, VICTIM)?, status(lab, HEAVY)?);
        ensure!(victim["state"] == "disabled", "{victim}");
        ensure!(heavy["effective_weight"] == 5, "{heavy}");
        ensure!(heavy["weight_by_hand"] == 5, "{heavy}");
        Ok(victim["reason"] == "by hand: new kernel; its check succeeds")
    })?;
    let before = packets(lab, VICTIM)?;
    wait_spread(lab, &["rs1", "rs3"])?;
    let seen = packets(lab, VICTIM)?;
    ensure!(seen == before, "{before} packets became {seen}");
    Ok(())
}

/// The daemon, and with `boot` all that a boot loses, goes; another one starts.
fn start_anew(lab: &mut Lab, boot: bool) -> Result<()> {
    let director = &mut lab.directors[0];
    director.kill()?;
    if boot {
        director.reset_host()?;
    }
    director.start()?;
    // Not even for a moment, and before any verdict.
    ensure!(state(lab, VICTIM)? == "disabled", "{}", state(lab, VICTIM)?);
    lab.directors[0].wait_vrrp_state("MASTER")?;
    lab.wait_vip()?;
    for up in [1, HEAVY] {
        wait_state(lab, up, "up")?;
    }
    orders_stand(lab)
}

#[test]
fn orders_stand_over_reload_restart_and_boot_until_they_are_taken_back() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;
        let mut others = Held::open(lab, &clients())?;
        let its_own = others.split_off("rs2");
        its_own.wait_exchanges(2)?;
        let before = packets(lab, VICTIM)?;
        ensure!(before > 0, "no packets of rs2");

        let said = ordered(lab, "disable", VICTIM, &["--reason", "new kernel"])?;
        ensure!(
            said == "gets no packets any more: its connections break",
            "{said}"
        );
        its_own.wait_broken()?;
        others.wait_exchanges(2)?;
        others.finish()?;
        let said = ordered(lab, "weight", HEAVY, &["5"])?;
        ensure!(said.ends_with("and gets clients"), "{said}");
        orders_stand(lab)?;
        ensure!(packets(lab, VICTIM)? >= before, "its counters shrank");

        reload(lab, &[(1, 2), (VICTIM, 1), (HEAVY, 1)])?;
        orders_stand(lab)?;
        start_anew(lab, false)?;
        start_anew(lab, true)?;

        let said = ordered(lab, "enable", VICTIM, &[])?;
        ensure!(
            said == "gets clients; before, it was disabled (new kernel)",
            "{said}"
        );
        let said = ordered(lab, "weight", HEAVY, &["--clear"])?;
        ensure!(said.ends_with("before, it was of weight 5"), "{said}");
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;
        ensure!(
            status(lab, HEAVY)?["effective_weight"] == 1,
            "{}",
            status(lab, HEAVY)?
        );
        let file = orders_file(lab)?;
        ensure!(file["orders"] == Value::Array(Vec::new()), "{file}");
        Ok(())
    });
}

#[test]
fn weight_0_by_hand_keeps_connections_and_enable_ends_a_drain() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let mut others = Held::open(lab, &clients())?;
        let its_own = others.split_off("rs2");
        let said = ordered(lab, "weight", VICTIM, &["0"])?;
        ensure!(
            said.ends_with("gets no new clients: its weight is 0 by hand"),
            "{said}"
        );
        wait_spread(lab, &["rs1", "rs3"])?;
        its_own.wait_exchanges(2)?;
        ensure!(state(lab, VICTIM)? == "draining", "{}", state(lab, VICTIM)?);
        ordered(lab, "weight", VICTIM, &["--clear"])?;
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;

        ordered(lab, "drain", VICTIM, &[])?;
        let undone = order(lab, "undrain", HEAVY, &[])?.unwrap_err();
        ensure!(
            undone.ends_with("service echo is not being drained"),
            "{undone}"
        );
        let said = ordered(lab, "enable", VICTIM, &[])?;
        ensure!(said == "gets clients; before, it was drained", "{said}");
        wait_spread(lab, &["rs1", "rs2", "rs3"])?;
        its_own.wait_exchanges(2)?;
        its_own.finish()?;
        others.finish()?;
        Ok(())
    });
}
