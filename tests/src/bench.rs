//! The benchmark of the packet path, by the method of DESIGN section 10.
//!
//! Each run hands the feeder a million packets, each of another flow; it tail-calls the program
//! under test. The bare program behind the same feeder, in the same round, is what is subtracted.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::sandbox::with_sandbox;

mod feeder;

use feeder::{Case, Rig};

/// Where the results stand in docs/benchmarks.md.
const MARKERS: (&str, &str) = ("<!-- bench:begin -->", "<!-- bench:end -->");

/// One case, measured.
pub struct Measured {
    name: &'static str,
    flows: u32,
    services: u32,
    /// Nanoseconds over the bare program, one for each round, ascending.
    net: Vec<f64>,
    /// Nanoseconds of the bare program, feeder included, one for each round, ascending.
    baseline: Vec<f64>,
}

pub struct Report {
    kernel: String,
    cases: Vec<Measured>,
}

/// Runs every case `runs` times, interleaved with its bare program.
///
/// # Errors
/// The programs cannot be loaded, or do something other than the case says.
pub fn run(runs: usize) -> Result<Report> {
    ensure!(runs > 0, "at least one run");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?
        .trim()
        .to_owned();
    let cases = with_sandbox(move |sandbox| {
        let mut rig = Rig::new(sandbox)?;
        let mut measured: Vec<Measured> = Case::ALL.iter().map(Measured::new).collect();
        for _ in 0..runs {
            for (case, measured) in Case::ALL.iter().zip(&mut measured) {
                let bare = rig.measure_bare(case).context(case.name)?;
                let ours = rig.measure(case).context(case.name)?;
                measured.net.push(ours - bare);
                measured.baseline.push(bare);
            }
        }
        for case in &mut measured {
            case.net.sort_by(f64::total_cmp);
            case.baseline.sort_by(f64::total_cmp);
        }
        Ok(measured)
    })?;
    Ok(Report { kernel, cases })
}

impl Measured {
    fn new(case: &Case) -> Self {
        Self {
            name: case.name,
            flows: case.flows,
            services: case.services,
            net: Vec::new(),
            baseline: Vec::new(),
        }
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

impl Report {
    /// The shape of DESIGN section 9; nanoseconds are medians.
    #[must_use]
    pub fn json(&self) -> Value {
        let case = |case: &Measured| {
            json!({
                "name": case.name,
                "flows": case.flows,
                "services": case.services,
                "net_ns": median(&case.net),
                "net_ns_min": case.net[0],
                "baseline_ns": median(&case.baseline),
                "runs": case.net.len(),
            })
        };
        let cases: Vec<Value> = self.cases.iter().map(case).collect();
        json!({ "kernel": self.kernel, "cases": cases, "end_to_end": [] })
    }

    /// A Markdown table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![
            format!("Kernel {}; {} interleaved runs.", self.kernel, self.cases[0].net.len()),
            String::new(),
            "| case | flows | services | median, ns over the bare program | least | bare program behind the feeder, ns |".to_owned(),
            "|---|---|---|---|---|---|".to_owned(),
        ];
        for case in &self.cases {
            lines.push(format!(
                "| {} | {} | {} | {:.1} | {:.1} | {:.1} |",
                case.name,
                case.flows,
                case.services,
                median(&case.net),
                case.net[0],
                median(&case.baseline)
            ));
        }
        lines.join("\n")
    }
}

/// Puts the table between the markers of a Markdown file.
///
/// # Errors
/// The file cannot be read or written, or has no markers.
pub fn write(report: &Report, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let (head, rest) = text
        .split_once(MARKERS.0)
        .context("the file has no begin marker")?;
    let (_, tail) = rest
        .split_once(MARKERS.1)
        .context("the file has no end marker")?;
    let (begin, end) = MARKERS;
    let table = report.table();
    fs::write(path, format!("{head}{begin}\n{table}\n{end}{tail}"))?;
    Ok(())
}
