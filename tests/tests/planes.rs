//! Two data planes, one balancer: what happens to clients when one takes over from the other.
//! Needs a kernel with IP_VS: `cargo xtask vm planes`.

#[path = "planes/fragments.rs"]
mod fragments;
#[path = "planes/schedulers.rs"]
mod schedulers;

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lb_tests::client::{Load, Pace, survey};
use lb_tests::echo::Held;
use lb_tests::harness::{has_ipvs, with_planned_lab};
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::client_addresses;
use lb_tests::lab::{Director, Lab, WEB_PORT};
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;

const DEMO: &str = env!("CARGO_BIN_EXE_lvx-demo");
const HELD: usize = 20;
const SOME: u64 = 60;
const SOON: Duration = Duration::from_secs(10);

fn plan(dataplanes: [&'static str; 2]) -> Plan {
    Plan {
        dataplanes,
        ..Plan::equal(3)
    }
}

/// `dataplane.mode` of a director.
fn mode(director: &Director) -> Result<String> {
    let status = director.status()?;
    let mode = status["dataplane"]["mode"].as_str();
    Ok(mode.context("a mode in the status")?.to_owned())
}

fn wait_mode(director: &Director, wanted: &str) -> Result<()> {
    wait_until(wanted, SOON, || Ok(mode(director)?.starts_with(wanted)))
}

/// Plane and reason of a service.
fn plane(director: &Director, service: &str) -> Result<(String, String)> {
    let status = director.status()?;
    let services = status["services"].as_array().context("services")?;
    let found = services.iter().find(|one| one["name"] == service);
    let found = found.context("the service")?;
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    Ok((text("plane"), text("plane_reason")))
}

/// Puts the master on a plane by hand; `mode` is what its status says then.
fn switch(lab: &Lab, plane: &str, mode: &str) -> Result<()> {
    let director = &lab.directors[0];
    let output = director.ask(&["plane", plane])?;
    ensure!(output.status.success(), "{output:?}");
    wait_mode(director, mode)
}

/// Edits both directors' configuration files and has the daemons read them.
fn reconfigure(lab: &Lab, edit: impl Fn(&str) -> String) -> Result<()> {
    for director in &lab.directors {
        let text = fs::read_to_string(director.config_file())?;
        director.write_config(&edit(&text))?;
        director.reload()?.map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

/// Runs `change` while new requests come and connections are held; nothing may fail, and no
/// client may move.
fn undisturbed(lab: &mut Lab, change: impl FnOnce(&mut Lab) -> Result<()>) -> Result<()> {
    let before = survey(lab, WEB_PORT, 1)?;
    let clients: Vec<Ipv4Addr> = client_addresses().into_iter().step_by(15).collect();
    ensure!(clients.len() == HELD, "{} clients", clients.len());
    let held = Held::open(lab, &clients)?;
    let load = Load::start(lab, Pace::STEADY);
    load.wait_answers(SOME)?;
    change(lab)?;
    load.wait_answers(SOME)?;
    let figures = load.finish()?.none_failed()?;
    held.wait_exchanges(5)?;
    let lives = held.finish()?;
    ensure!(
        lives.len() == HELD,
        "{} of {HELD} connections live",
        lives.len()
    );
    let after = survey(lab, WEB_PORT, 1)?;
    let moved = before.moved(&after);
    ensure!(moved.is_empty(), "{} clients moved", moved.len());
    eprintln!("{figures}; {HELD} held connections live");
    Ok(())
}

#[test]
fn xdp_that_is_detached_behind_our_back_costs_nothing_and_comes_back() {
    if !has_ipvs() {
        return;
    }
    with_planned_lab(DEMO, &plan(["auto", "auto"]), |lab| {
        ensure!(mode(&lab.directors[0])?.starts_with("xdp"), "not on XDP");
        undisturbed(lab, |lab| {
            let director = &lab.directors[0];
            let link = director.bpffs().join("link_eth0");
            let mut bpftool = std::process::Command::new("bpftool");
            output_of(bpftool.args(["link", "detach", "pinned"]).arg(link))?;
            wait_until("the repair", SOON, || {
                let status = director.status()?;
                let repairs = status["dataplane"]["repairs"].as_u64();
                Ok(repairs.is_some_and(|repairs| repairs > 0))
            })?;
            wait_mode(director, "xdp")
        })?;
        let status = lab.directors[0].status()?;
        let events = status["dataplane"]["events"].to_string();
        ensure!(events.contains("detached from eth0"), "{events}");
        ensure!(events.contains("back on all interfaces"), "{events}");
        Ok(())
    });
}

#[test]
fn planes_are_switched_by_hand_without_a_client_noticing() {
    if !has_ipvs() {
        return;
    }
    with_planned_lab(DEMO, &plan(["auto", "auto"]), |lab| {
        undisturbed(lab, |lab| {
            for (plane, mode) in [("ipvs", "ipvs"), ("auto", "xdp"), ("ipvs", "ipvs")] {
                switch(lab, plane, mode)?;
            }
            switch(lab, "auto", "xdp")
        })
    });
}

#[test]
fn a_failover_from_xdp_to_ipvs_and_back_keeps_every_client() {
    if !has_ipvs() {
        return;
    }
    with_planned_lab(DEMO, &plan(["auto", "ipvs"]), |lab| {
        ensure!(
            mode(&lab.directors[0])?.starts_with("xdp"),
            "lb1 is not on XDP"
        );
        wait_mode(&lab.directors[1], "ipvs")?;
        let before = survey(lab, WEB_PORT, 2)?;
        lab.set_link(1, false)?;
        lab.directors[0].kill()?;
        lab.directors[1].wait_vrrp_state("MASTER")?;
        lab.wait_vip()?;
        let after = survey(lab, WEB_PORT, 2)?;
        let moved = before.moved(&after);
        ensure!(moved.is_empty(), "{} clients moved", moved.len());
        // The kernel sums IPVS counters up every two seconds.
        wait_until("packets counted by IPVS", SOON, || {
            let status = lab.directors[1].status()?;
            let packets = status["services"][0]["packets"].as_u64();
            Ok(packets.is_some_and(|packets| packets > 0))
        })
    });
}

#[test]
fn a_table_that_others_flush_is_repaired_and_counted() {
    if !has_ipvs() {
        return;
    }
    with_planned_lab(DEMO, &plan(["ipvs", "ipvs"]), |lab| {
        let director = &lab.directors[0];
        output_of(director.netns.command("ipvsadm").arg("--clear"))?;
        wait_until("the repair", SOON, || {
            let status = director.status()?;
            Ok(status["dataplane"]["repairs"]
                .as_u64()
                .is_some_and(|repairs| repairs > 0))
        })?;
        lab.wait_vip()?;
        survey(lab, WEB_PORT, 1)?;
        Ok(())
    });
}
