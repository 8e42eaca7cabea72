//! Tables of the results.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Implementation, Kind, Lines};

/// Puts `text` between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a Markdown
/// file.
///
/// # Errors
/// The file cannot be read or written, or has no markers.
pub fn write(name: &str, text: &str, path: &Path) -> Result<()> {
    let (begin, end) = (
        format!("<!-- {name}:begin -->"),
        format!("<!-- {name}:end -->"),
    );
    let old = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let (head, rest) = old
        .split_once(&begin)
        .with_context(|| format!("no {begin}"))?;
    let (_, tail) = rest.split_once(&end).with_context(|| format!("no {end}"))?;
    fs::write(path, format!("{head}{begin}\n{text}\n{end}{tail}"))
        .with_context(|| path.display().to_string())
}

/// A row for each case that both implementations have rounds of.
#[must_use]
pub fn table(lines: &Lines) -> String {
    let mut text = vec![
        "| adverts every | master | rounds | lvx, median | worst | keepalived, median | worst | medians, lvx : keepalived |".to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    let mut adverts: Vec<Duration> = lines.rounds.iter().map(|round| round.advert).collect();
    adverts.sort_unstable();
    adverts.dedup();
    for advert in adverts.into_iter().rev() {
        for kind in Kind::ALL {
            let [ours, theirs] = Implementation::ALL.map(|it| lines.gaps(it, kind, advert));
            let (Some(our_median), Some(their_median)) = (median(&ours), median(&theirs)) else {
                continue;
            };
            text.push(format!(
                "| {advert:?} | {} | {} | {} | {} | {} | {} | {:.3} |",
                match kind {
                    Kind::Kill => "killed",
                    Kind::Link => "link cut",
                    Kind::Stop => "clean stop",
                },
                ours.len().min(theirs.len()),
                shown(our_median),
                shown(ours[ours.len() - 1]),
                shown(their_median),
                shown(theirs[theirs.len() - 1]),
                our_median.as_secs_f64() / their_median.as_secs_f64()
            ));
        }
    }
    text.join("\n")
}

fn shown(gap: Duration) -> String {
    format!("{:.1} ms", gap.as_secs_f64() * 1e3)
}

/// Of sorted values.
fn median(values: &[Duration]) -> Option<Duration> {
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some((lower + upper) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp_bench::Round;

    #[test]
    fn a_row_has_medians_worst_and_their_ratio() {
        let mut lines = Lines::open(None, false).unwrap();
        for (implementation, gap) in [
            (Implementation::Lvx, 30),
            (Implementation::Lvx, 20),
            (Implementation::Keepalived, 50),
        ] {
            lines
                .add(Round {
                    implementation,
                    kind: Kind::Stop,
                    advert: Duration::from_millis(10),
                    phase: 0.5,
                    gap: Duration::from_millis(gap),
                })
                .unwrap();
        }
        let table = table(&lines);
        let row = table.lines().last().unwrap();
        assert_eq!(
            row,
            "| 10ms | clean stop | 1 | 25.0 ms | 30.0 ms | 50.0 ms | 50.0 ms | 0.500 |"
        );
    }
}
