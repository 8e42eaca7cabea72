//! The programs on their interface, from the daemon's start to its end.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use aya::programs::tc::{SchedClassifier, TcAttachType};
use lb_tests::harness::{runs, skip, with_lab, with_one_director};
use lb_tests::lab::Director;
use lb_tests::lab::plan::Plan;
use lb_tests::lab::topology::INTERFACE;
use lb_tests::netns::output_of;
use lb_tests::wait::wait_until;
use serde_json::Value;

use super::{DEMO, NOT_ON_LO, PATIENCE, give_vip, reconfigure, take_vip, wait_down};

/// The kernel's ids of our programs on a director's interface.
fn programs(director: &Director) -> Result<Vec<u32>> {
    director.netns.run(|| {
        let mut ids = Vec::new();
        for direction in [TcAttachType::Egress, TcAttachType::Ingress] {
            let (_, programs) = SchedClassifier::query_tcx(INTERFACE, direction)?;
            let ours = programs
                .iter()
                .filter(|it| it.name().starts_with(b"lvx_probe"));
            ids.extend(ours.map(aya::programs::ProgramInfo::id));
        }
        Ok(ids)
    })?
}

fn wait_programs(director: &Director, count: usize) -> Result<()> {
    wait_until(&format!("{count} programs"), PATIENCE, || {
        Ok(programs(director)?.len() == count)
    })
}

#[test]
fn they_are_there_while_a_check_needs_them() {
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let director = &lab.directors[0];
        wait_programs(director, 2)?;
        reconfigure(director, |text| {
            text.replace("rise = 2", "via = \"server\", rise = 2")
        })?;
        wait_programs(director, 0)?;
        reconfigure(director, |text| text.replace("via = \"server\", ", ""))?;
        wait_programs(director, 2)?;
        lab.wait_one_ready()?;
        lab.directors[0].terminate()?;
        let status = lab.directors[0].wait_stopped()?;
        ensure!(status.success(), "{status}");
        wait_programs(&lab.directors[0], 0)
    });
}

#[test]
fn a_killed_daemon_leaves_nothing_and_the_next_one_finds_the_same() {
    with_lab(DEMO, |lab| {
        lab.directors[0].kill()?;
        wait_programs(&lab.directors[0], 0)?;
        take_vip(&lab.servers[1])?;
        lab.directors[0].start()?;
        wait_programs(&lab.directors[0], 2)?;
        let sick = lab.servers[1].address();
        for director in &lab.directors {
            wait_down(director, "web", sick, NOT_ON_LO)?;
        }
        give_vip(&lab.servers[1])?;
        lab.wait_ready()
    });
}

/// `bpftool link detach` of a program.
fn detach(program: u32) -> Result<()> {
    let links = output_of(Command::new("bpftool").args(["-j", "link", "show"]))?;
    let links: Value = serde_json::from_str(&links).context("JSON of bpftool")?;
    let links = links.as_array().context("links")?;
    let link = links.iter().find(|link| link["prog_id"] == program);
    let id = link.context("a link")?["id"].to_string();
    output_of(Command::new("bpftool").args(["link", "detach", "id", &id])).map(drop)
}

#[test]
fn a_program_that_somebody_detaches_is_attached_again() {
    if !runs("bpftool".as_ref()) {
        return skip("bpftool cannot be started");
    }
    with_one_director(DEMO, &Plan::equal(3), |lab| {
        let director = &lab.directors[0];
        wait_programs(director, 2)?;
        for part in [0, 1] {
            let before = programs(director)?;
            detach(before[part])?;
            wait_programs(director, 1)?;
            wait_programs(director, 2)?;
        }
        let log = std::fs::read_to_string(director.log_file())?;
        ensure!(!log.contains("is down"), "{log}");
        let status = director.status()?;
        let events = status["dataplane"]["events"].to_string();
        ensure!(events.contains("programs of checks on eth0"), "{events}");
        let sick = &lab.servers[0];
        take_vip(sick)?;
        wait_down(director, "echo", sick.address(), NOT_ON_LO)?;
        give_vip(sick)?;
        lab.wait_one_ready()
    });
}
