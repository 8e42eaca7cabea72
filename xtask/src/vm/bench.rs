//! `cargo xtask vm --bench`: instructions per packet of kernel IPVS beside our XDP program.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{
    kernel::{Clock, Kernel},
    lab::{Job, Lab},
};
use crate::{
    build,
    workspace::{Profile, Workspace},
};

/// Where the results stand in docs/benchmarks.md.
const MARKERS: (&str, &str) = ("<!-- plane:begin -->", "<!-- plane:end -->");

/// The emulated machine is slow when it counts instructions.
const LIMIT: Duration = Duration::from_secs(900);

/// Our director among the figures, and those it is compared with.
const OURS: &str = "lvx-xdp";
const IPVS: [&str; 2] = ["ipvs-mh", "ipvs-mh-without-gro"];

pub(super) fn build(workspace: &Workspace) -> Result<()> {
    let packages = ["-p", "lb-userspace", "-p", "lb-tests"];
    let binaries = ["--bin", "lvx", "--bin", "lvx-plane-bench"];
    build::host(workspace, Profile::Release, &[packages, binaries].concat())
}

/// Runs the benchmark on each of `kernels`; the programs have to be built.
pub(super) fn run(lab: &Lab<'_>, kernels: &[Kernel], arguments: &[String]) -> Result<Vec<Value>> {
    let counts = |kernel: &&Kernel| **kernel != Kernel::Uml;
    kernels
        .iter()
        .filter(counts)
        .map(|kernel| one(lab, *kernel, arguments))
        .collect()
}

fn one(lab: &Lab<'_>, kernel: Kernel, arguments: &[String]) -> Result<Value> {
    let bench = lab.workspace.binary(Profile::Release, "lvx-plane-bench");
    let words: Vec<String> = arguments
        .iter()
        .map(|word| crate::sh::quote(word.as_ref()))
        .collect();
    let lines = lab.run(
        kernel,
        Job {
            script: format!("exec {} {}\n", bench.display(), words.join(" ")),
            programs: vec![bench],
            files: Vec::new(),
            profile: Profile::Release,
            clock: Clock::Instructions,
            limit: LIMIT,
        },
    )?;
    let figures = lines.iter().find(|line| line.starts_with('{'));
    let figures = figures.context("the benchmark printed no figures")?;
    let mut figures: Value = serde_json::from_str(figures)?;
    let ratios: Vec<Value> = IPVS
        .iter()
        .filter_map(|ipvs| {
            let (own, whole) = (
                ratio(&figures, ipvs, "own")?,
                ratio(&figures, ipvs, "whole")?,
            );
            Some(json!({ "name": ipvs, "own": own, "whole": whole }))
        })
        .collect();
    figures["ratios"] = ratios.into();
    Ok(figures)
}

/// How many times ours a figure of the director `name` is.
fn ratio(figures: &Value, name: &str, figure: &str) -> Option<f64> {
    Some(value(figures, name, figure)? / value(figures, OURS, figure)?)
}

fn value(figures: &Value, name: &str, figure: &str) -> Option<f64> {
    let directors = figures["directors"].as_array()?;
    let director = directors.iter().find(|director| director["name"] == name)?;
    director[figure].as_f64()
}

/// A Markdown table for each kernel.
pub(super) fn tables(kernels: &[Value]) -> String {
    let tables: Vec<String> = kernels.iter().map(table).collect();
    tables.join("\n\n")
}

fn table(figures: &Value) -> String {
    let text = |key: &str| figures[key].as_str().unwrap_or_default().to_owned();
    let number = |key: &str| figures[key].as_u64().unwrap_or_default();
    let mut lines = vec![
        format!(
            "Kernel {}; {} rounds of {} packets, {} connections.",
            text("kernel"),
            number("rounds"),
            number("packets"),
            number("flows")
        ),
        String::new(),
        "| director | instructions per packet, whole path | the director's own | times lvx's own \
         | spread of the rounds |"
            .to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for director in figures["directors"].as_array().into_iter().flatten() {
        let name = director["name"].as_str().unwrap_or_default();
        let of = |figure: &str| director[figure].as_f64().unwrap_or_default();
        let times = match ratio(figures, name, "own") {
            Some(times) if of("own") > 0. => format!("{times:.1}"),
            Some(_) | None => "–".to_owned(),
        };
        lines.push(format!(
            "| {name} | {:.0} | {:.0} | {times} | {:.1} % |",
            of("whole"),
            of("own"),
            100. * of("spread") / of("whole"),
        ));
    }
    lines.join("\n")
}

/// Puts `tables` between the markers of a Markdown file.
pub(super) fn write(tables: &str, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let (begin, end) = MARKERS;
    let parts = text.split_once(begin).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(end)?;
        Some((head, tail))
    });
    let Some((head, tail)) = parts else {
        bail!("{} has no {begin} … {end}", path.display());
    };
    fs::write(path, format!("{head}{begin}\n{tables}\n{end}{tail}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_every_director_and_what_it_costs_beside_ours() {
        let figures = json!({
            "kernel": "6.1", "packets": 10, "flows": 4, "rounds": 3,
            "directors": [
                { "name": "xdp-drop", "whole": 1000., "own": 0., "spread": 1. },
                { "name": "lvx-xdp", "whole": 1500., "own": 500., "spread": 15. },
                { "name": "ipvs-mh", "whole": 3000., "own": 2000., "spread": 3. },
            ],
        });
        let table = tables(std::slice::from_ref(&figures));
        assert!(
            table.contains("| xdp-drop | 1000 | 0 | – | 0.1 % |"),
            "{table}"
        );
        assert!(
            table.contains("| ipvs-mh | 3000 | 2000 | 4.0 | 0.1 % |"),
            "{table}"
        );
        assert_eq!(ratio(&figures, "ipvs-mh", "whole"), Some(2.));
        assert_eq!(ratio(&figures, "nobody", "own"), None);
    }
}
