//! The benchmark of the data plane, by the methods of DESIGN section 10.
//!
//! Packet path: each run hands the feeder a million packets, each of another flow; it tail-calls
//! the program under test. The bare program behind the same feeder, in the same round, is what is
//! subtracted. End to end: live frames over a veth pair, beside the program that swaps the MACs.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::sandbox::{Sandbox, with_sandbox};

mod case;
mod end_to_end;
mod feeder;
mod report;

use case::Case;
use end_to_end::Director;
use feeder::STAGES;
use report::{Measured, Named, Rounds};
pub use report::{Report, write};

/// Measures everything `runs` times, interleaved with the bare programs.
///
/// # Errors
/// The programs cannot be loaded, or do something other than the case says.
pub fn run(runs: usize) -> Result<Report> {
    ensure!(runs > 0, "at least one run");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    with_sandbox(move |sandbox| {
        stay_on_one_cpu()?;
        let (cases, stages) = packet_path(sandbox, runs)?;
        let end_to_end = end_to_end(sandbox, runs).context("end to end")?;
        Ok(Report {
            kernel: kernel.trim().to_owned(),
            runs,
            cases,
            stages,
            end_to_end,
        })
    })
}

fn packet_path(sandbox: &Sandbox, runs: usize) -> Result<(Vec<Measured>, Vec<Named>)> {
    let mut rig = feeder::Rig::new(sandbox)?;
    let mut cases = Vec::new();
    for case in &Case::ALL {
        match rig.refusal(case).context(case.name)? {
            Some(reason) => eprintln!("{}: left out: {reason}", case.name),
            None => cases.push((case, Measured::new(case))),
        }
    }
    let mut stages = STAGES.map(|(program, name)| (program, Named::new(name)));
    for _ in 0..runs {
        for (case, measured) in &mut cases {
            let bare = rig.measure_bare(case).context(case.name)?;
            let ours = rig.measure(case).context(case.name)?;
            measured.net.add(ours - bare);
            measured.baseline.add(bare);
        }
        for (program, stage) in &mut stages {
            let bare = rig.measure_bare(&Case::STAGE)?;
            let taken = rig.measure_stage(&Case::STAGE, program).context(*program)?;
            stage.rounds.add(taken - bare);
        }
    }
    let cases = cases.into_iter().map(|(_, measured)| measured).collect();
    Ok((cases, stages.into_iter().map(|(_, stage)| stage).collect()))
}

fn end_to_end(sandbox: &Sandbox, runs: usize) -> Result<Vec<Named>> {
    let mut rig = end_to_end::Rig::new(sandbox)?;
    let mut measured = Director::ALL.map(|director| (director, Named::new(director.name())));
    for _ in 0..runs {
        for (director, measured) in &mut measured {
            let taken = rig.measure(*director).context(director.name())?;
            measured.rounds.add(taken);
        }
    }
    Ok(measured.into_iter().map(|(_, measured)| measured).collect())
}

impl Measured {
    fn new(case: &Case) -> Self {
        Self {
            name: case.name,
            flows: case.flows,
            services: case.contents.services,
            goal: case.goal,
            net: Rounds::default(),
            baseline: Rounds::default(),
        }
    }
}

impl Named {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            rounds: Rounds::default(),
        }
    }
}

/// One core does everything: the softirqs of a veth run where its frames are sent.
fn stay_on_one_cpu() -> Result<()> {
    // SAFETY: a cpu_set_t is an array of integers, for which all zeros is a value.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: takes no pointers.
    let cpu = unsafe { libc::sched_getcpu() };
    let cpu = usize::try_from(cpu).context("this CPU's number")?;
    // SAFETY: the set is live, and the macro checks the number against its size.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is live and of the size that is told; 0 is the calling thread.
    let result = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    ensure!(
        result == 0,
        "staying on CPU {cpu}: {}",
        std::io::Error::last_os_error()
    );
    Ok(())
}
