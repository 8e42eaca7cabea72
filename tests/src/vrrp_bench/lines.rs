//! The rounds of a run, one JSON object per line, written as they come.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Implementation, Kind};

/// One failover.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    pub implementation: Implementation,
    pub kind: Kind,
    pub advert: Duration,
    /// Place in the advertisement interval where it happened, 0 to 1.
    pub phase: f64,
    /// Longest time without an answer.
    pub gap: Duration,
}

/// All rounds, those of earlier runs that are taken over among them.
#[derive(Debug)]
pub struct Lines {
    pub rounds: Vec<Round>,
    file: Option<File>,
}

impl Lines {
    /// Rounds go to `file`, too; with `resume` those in it count.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(file: Option<&Path>, resume: bool) -> Result<Self> {
        let Some(path) = file else {
            return Ok(Self {
                rounds: Vec::new(),
                file: None,
            });
        };
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        let mut rounds = Vec::new();
        if resume && path.exists() {
            let text = std::fs::read_to_string(path).context("reading earlier rounds")?;
            for line in text.lines() {
                rounds.push(Round::parse(line).with_context(|| line.to_owned())?);
            }
        } else if path.exists() {
            std::fs::remove_file(path).context("removing earlier rounds")?;
        }
        let file = options
            .open(path)
            .with_context(|| path.display().to_string())?;
        Ok(Self {
            rounds,
            file: Some(file),
        })
    }

    /// How many rounds of a case there are.
    #[must_use]
    pub fn count(&self, implementation: Implementation, kind: Kind, advert: Duration) -> usize {
        self.gaps(implementation, kind, advert).len()
    }

    /// The gaps of a case, shortest first.
    #[must_use]
    pub fn gaps(
        &self,
        implementation: Implementation,
        kind: Kind,
        advert: Duration,
    ) -> Vec<Duration> {
        let wanted = (implementation, kind, advert);
        let rounds = self.rounds.iter();
        let of_case = rounds.filter(|it| (it.implementation, it.kind, it.advert) == wanted);
        let mut gaps: Vec<Duration> = of_case.map(|round| round.gap).collect();
        gaps.sort_unstable();
        gaps
    }

    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, round: Round) -> Result<()> {
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", round.json()).context("writing a round")?;
        }
        self.rounds.push(round);
        Ok(())
    }
}

impl Round {
    fn json(&self) -> Value {
        json!({
            "implementation": self.implementation.to_string(),
            "kind": self.kind.to_string(),
            "advert_ms": self.advert.as_millis() as u64,
            "phase": self.phase,
            "gap_ms": self.gap.as_secs_f64() * 1e3,
        })
    }

    fn parse(line: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(line)?;
        let text = |key: &str| value[key].as_str().context("a string");
        let number = |key: &str| value[key].as_f64().context("a number");
        let implementation = text("implementation")?;
        let kind = text("kind")?;
        Ok(Self {
            implementation: Implementation::ALL
                .into_iter()
                .find(|it| it.to_string() == implementation)
                .context("an implementation")?,
            kind: Kind::ALL
                .into_iter()
                .find(|it| it.to_string() == kind)
                .context("a kind")?,
            advert: Duration::from_millis(number("advert_ms")? as u64),
            phase: number("phase")?,
            gap: Duration::from_secs_f64(number("gap_ms")? / 1e3),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_run_takes_over_what_an_earlier_one_wrote() {
        let name = format!("lvx-lines-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let advert = Duration::from_millis(10);
        let round = Round {
            implementation: Implementation::Keepalived,
            kind: Kind::Link,
            advert,
            phase: 0.5,
            gap: Duration::from_millis(37),
        };
        Lines::open(Some(&path), false).unwrap().add(round).unwrap();
        let resumed = Lines::open(Some(&path), true).unwrap();
        assert_eq!(resumed.rounds, [round]);
        assert_eq!(resumed.count(round.implementation, Kind::Kill, advert), 0);
        let anew = Lines::open(Some(&path), false).unwrap();
        assert!(anew.rounds.is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
