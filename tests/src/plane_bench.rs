//! Instructions per packet of a director on kernel IPVS and of one on our XDP program.
//!
//! Only for a machine in which an instruction takes a nanosecond (QEMU's `-icount shift=0`, by
//! `cargo xtask vm --bench`): anywhere else the figures are times, and of a lab of veth pairs at
//! that. Client, director and server are joined by two veth pairs, without a bridge.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::sandbox::with_sandbox;

mod rig;
pub(crate) mod service;

use rig::{Director, Rig};

/// Nanoseconds, one for each round.
struct Measured {
    director: Director,
    whole: Vec<f64>,
}

/// Runs all directors in turn, `rounds` times, with `packets` packets each.
///
/// # Errors
/// The kernel has no IP_VS, or packets are lost.
pub fn run(rounds: usize, packets: u32) -> Result<Value> {
    ensure!(rounds > 0, "at least one round");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("the kernel's name")?;
    let measured = with_sandbox(move |sandbox| {
        let mut rig = Rig::new(sandbox)?;
        let mut measured = Director::ALL.map(|director| Measured {
            director,
            whole: Vec::new(),
        });
        for _ in 0..rounds {
            for case in &mut measured {
                let taken = rig.measure(case.director, packets);
                let taken = taken.with_context(|| case.director.name())?;
                case.whole.push(taken);
            }
        }
        Ok(measured)
    })?;
    let [nothing, ..] = &measured;
    let directors: Vec<Value> = measured.iter().map(|case| case.json(nothing)).collect();
    Ok(json!({
        "kernel": kernel.trim(),
        "packets": packets,
        "flows": rig::FLOWS,
        "rounds": rounds,
        "directors": directors,
    }))
}

impl Measured {
    /// `own` is what is over the director that drops everything, in the same round.
    fn json(&self, nothing: &Self) -> Value {
        let rounds = self.whole.iter().zip(&nothing.whole);
        let own: Vec<f64> = rounds.map(|(whole, nothing)| whole - nothing).collect();
        let spread = |values: &[f64]| values.iter().copied().fold(0., f64::max) - minimum(values);
        json!({
            "name": self.director.name(),
            "whole": median(&self.whole),
            "own": median(&own),
            "spread": spread(&own),
        })
    }
}

fn minimum(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
