//! Connections that stay open while servers come, go and are drained, and while the daemon dies.

#[path = "connections/drain.rs"]
mod drain;
#[path = "connections/failure.rs"]
mod failure;
#[path = "connections/flows.rs"]
mod flows;
#[path = "connections/life.rs"]
mod life;
#[path = "connections/persistence.rs"]
mod persistence;
#[path = "connections/reload.rs"]
mod reload;
#[path = "connections/restart.rs"]
mod restart;
#[path = "connections/whereabouts.rs"]
mod whereabouts;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::Survey;
use lb_tests::echo::{Held, greetings};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::client_addresses;
use lb_tests::lab::{Director, Lab};
use lb_tests::wait::wait_until;
use serde_json::Value;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
/// Connections that are held, one for each of [`holders`].
const HELD: usize = 30;
/// Time for a change to be seen.
const SOON: Duration = Duration::from_secs(10);
/// Closed connections are forgotten quickly.
const FORGETFUL: &str = r#"timeouts = { closing = "1s" }"#;

fn plan(echo_lines: &'static str) -> Plan {
    Plan {
        echo_lines,
        ..Plan::equal(3)
    }
}

/// The clients of connections that are held.
fn holders() -> Vec<Ipv4Addr> {
    client_addresses().into_iter().step_by(10).collect()
}

/// Others, who come while those are held.
fn newcomers() -> Vec<Ipv4Addr> {
    client_addresses().into_iter().skip(3).step_by(5).collect()
}

/// Held connections on three servers.
fn hold(lab: &Lab) -> Result<Held> {
    let held = Held::open(lab, &holders())?;
    let survey = held.survey()?;
    let spread = survey.spread();
    ensure!(held.count() == HELD && spread.len() == 3, "{spread:?}");
    Ok(held)
}

/// Goes over to other real servers and weights.
fn reload(lab: &mut Lab, servers: &[(u8, u16)]) -> Result<()> {
    let plan = Plan {
        servers: servers.to_vec(),
        ..lab.plan().clone()
    };
    lab.set_plan(plan)?;
    let reloaded = lab.directors[0].reload()?;
    reloaded.map_err(|text| anyhow::anyhow!("a good file was refused: {text}"))
}

/// Waits until `clients`' new connections go as `wanted`; one that fails is an error at once.
fn wait_greeted(
    lab: &Lab,
    clients: &[Ipv4Addr],
    wanted: impl Fn(&Survey) -> bool,
) -> Result<Survey> {
    let mut last = greetings(lab, clients)?;
    wait_until("new connections to go elsewhere", SOON, || {
        last = greetings(lab, clients)?;
        Ok(wanted(&last))
    })
    .with_context(|| last.spread_text())?;
    Ok(last)
}

/// Asks `lvx where` for each connection, which must name the server that it talks with; the
/// states that it tells.
fn where_agrees(lab: &Lab, held: &Held) -> Result<BTreeSet<String>> {
    // After a change a connection has a record once it has sent something.
    held.wait_exchanges(1)?;
    let mut states = BTreeSet::new();
    for peer in held.peers()? {
        let answer = lab.directors[0].where_json("echo", &peer.client.to_string())?;
        let server = answer["real_server"].as_str().context("a real server")?;
        let server = lab.server_name(server.parse()?);
        ensure!(
            server.as_ref() == Some(&peer.server),
            "{} talks with {}, and lvx where says {answer}",
            peer.client,
            peer.server
        );
        states.insert(answer["state"].as_str().context("a state")?.to_owned());
    }
    Ok(states)
}

/// The states of the slots of the service `echo`: `stable`, `settling` or `exceptional`.
fn slots(director: &Director, state: &str) -> Result<u64> {
    let service = director.service("echo")?;
    number(&service["slots"], state)
}

fn number(value: &Value, key: &str) -> Result<u64> {
    let found = value[key].as_u64();
    found.with_context(|| format!("no number {key} in {value}"))
}

/// Ends connections, all of which must be alive.
fn all_alive(held: Held) -> Result<()> {
    let count = held.count();
    held.wait_exchanges(2)?;
    let lives = held.finish()?;
    ensure!(lives.len() == count, "{} of {count}", lives.len());
    Ok(())
}
