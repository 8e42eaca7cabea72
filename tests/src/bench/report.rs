//! The benchmark's results, as JSON and Markdown.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Where the results stand in docs/benchmarks.md.
const MARKERS: (&str, &str) = ("<!-- bench:begin -->", "<!-- bench:end -->");

/// Nanoseconds, one for each round.
#[derive(Default)]
pub(super) struct Rounds(Vec<f64>);

impl Rounds {
    pub(super) fn add(&mut self, nanoseconds: f64) {
        let place = self.0.partition_point(|other| *other < nanoseconds);
        self.0.insert(place, nanoseconds);
    }

    fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }
}

/// One case, measured.
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) flows: u32,
    pub(super) services: u16,
    pub(super) goal: &'static str,
    /// Over the bare program.
    pub(super) net: Rounds,
    /// The bare program, feeder included.
    pub(super) baseline: Rounds,
}

/// A stage of the path by itself, over the bare program; or a director at the end of a veth pair,
/// the whole way.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) rounds: Rounds,
}

pub struct Report {
    pub(super) kernel: String,
    pub(super) runs: usize,
    pub(super) cases: Vec<Measured>,
    pub(super) stages: Vec<Named>,
    pub(super) end_to_end: Vec<Named>,
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
                "net_ns": case.net.median(),
                "net_ns_min": case.net.least(),
                "baseline_ns": case.baseline.median(),
                "runs": self.runs,
            })
        };
        let stage = |stage: &Named| json!({"name": stage.name, "net_ns": stage.rounds.median()});
        let director = |director: &Named| {
            json!({
                "name": director.name,
                "ns_per_packet": director.rounds.median(),
                "ratio_to_swap": self.ratio_to_swap(director),
            })
        };
        json!({
            "kernel": self.kernel,
            "cases": self.cases.iter().map(case).collect::<Vec<_>>(),
            "stages": self.stages.iter().map(stage).collect::<Vec<_>>(),
            "end_to_end": self.end_to_end.iter().map(director).collect::<Vec<_>>(),
        })
    }

    /// Its rate as a part of that of the bare program which swaps the MACs.
    fn ratio_to_swap(&self, director: &Named) -> f64 {
        let swap = self.end_to_end.iter().find(|other| other.name == "swap");
        swap.map_or(f64::NAN, |swap| swap.rounds.median()) / director.rounds.median()
    }

    /// Markdown tables.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![
            format!("Kernel {}; {} interleaved runs.", self.kernel, self.runs),
            String::new(),
            "| case | flows | services | median, ns over the bare program | goal | least | bare program behind the feeder, ns |".to_owned(),
            "|---|---|---|---|---|---|---|".to_owned(),
        ];
        lines.extend(self.cases.iter().map(|case| {
            format!(
                "| {} | {} | {} | {:.1} | {} | {:.1} | {:.1} |",
                case.name,
                case.flows,
                case.services,
                case.net.median(),
                case.goal,
                case.net.least(),
                case.baseline.median()
            )
        }));
        lines.extend(
            [
                "",
                "| stage by itself | median, ns over the bare program |",
                "|---|---|",
            ]
            .map(str::to_owned),
        );
        lines.extend(
            self.stages
                .iter()
                .map(|stage| format!("| {} | {:.1} |", stage.name, stage.rounds.median())),
        );
        lines.extend(
            [
                "",
                "| end to end over veth | ns per frame | rate : swap | goal |",
                "|---|---|---|---|",
            ]
            .map(str::to_owned),
        );
        lines.extend(self.end_to_end.iter().map(|director| {
            format!(
                "| {} | {:.0} | {:.2} | {} |",
                director.name,
                director.rounds.median(),
                self.ratio_to_swap(director),
                if director.name == "lvx" {
                    "0.90"
                } else {
                    "–"
                }
            )
        }));
        lines.join("\n")
    }
}

/// Puts the tables between the markers of a Markdown file.
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
