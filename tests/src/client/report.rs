//! What became of the requests of a load.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::client::{Answer, Failure};

/// One request.
#[derive(Debug, Clone)]
pub struct Sample {
    pub start: Instant,
    pub end: Instant,
    pub client: Ipv4Addr,
    pub result: std::result::Result<Answer, Failure>,
}

/// What became of the requests of a [`Load`].
#[derive(Debug)]
pub struct Report {
    /// By their end.
    samples: Vec<Sample>,
}

impl Report {
    pub(crate) fn new(mut samples: Vec<Sample>) -> Self {
        samples.sort_by_key(|sample| sample.end);
        Self { samples }
    }

    #[must_use]
    pub fn requests(&self) -> usize {
        self.samples.len()
    }

    #[must_use]
    pub fn failures(&self) -> Vec<&Sample> {
        self.samples
            .iter()
            .filter(|it| it.result.is_err())
            .collect()
    }

    /// Takes out the requests that had their connection when one of `changes` began and lost it,
    /// and counts them: a client that gets another real server keeps its established connections
    /// only with the exceptions of DESIGN 4.2. What a new connection meets stays in.
    pub fn take_broken_off(&mut self, changes: &[Range<Instant>]) -> usize {
        let all = self.samples.len();
        self.samples.retain(|sample| {
            let broken = sample
                .result
                .as_ref()
                .is_err_and(|failure| failure.connected);
            let during =
                |change: &Range<Instant>| sample.start < change.end && sample.end > change.start;
            !(broken && changes.iter().any(during))
        });
        all - self.samples.len()
    }

    /// `1234 requests, 0 failed, 0 segments sent again`.
    ///
    /// # Errors
    /// A request failed: the number of them, when, and the first error.
    pub fn none_failed(&self) -> Result<String> {
        let failures = self.failures();
        if let (Some(first), Some(last)) = (failures.first(), failures.last()) {
            let first_error = first.result.as_ref().err().map(Failure::to_string);
            let first_error = first_error.unwrap_or_default();
            let begin = self.samples.first().map_or(first.start, |it| it.start);
            bail!(
                "{} of {} requests failed, begun {:?} to {:?} after the first one; {}: {first_error}",
                failures.len(),
                self.requests(),
                first.start.saturating_duration_since(begin),
                last.start.saturating_duration_since(begin),
                first.client,
            );
        }
        let again: u32 = self
            .samples
            .iter()
            .filter_map(|it| it.result.as_ref().ok())
            .map(|it| it.retransmits)
            .sum();
        Ok(format!(
            "{} requests, 0 failed, {again} segments sent again",
            self.requests()
        ))
    }

    /// The longest time without an answer: from one to the next one, and the latter's time.
    #[must_use]
    pub fn longest_gap(&self) -> Option<(Duration, Instant)> {
        let ends: Vec<Instant> = self
            .samples
            .iter()
            .filter(|it| it.result.is_ok())
            .map(|it| it.end)
            .collect();
        ends.windows(2)
            .map(|pair| (pair[1].duration_since(pair[0]), pair[1]))
            .max_by_key(|(gap, _)| *gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(begin: Instant, start_ms: u64, end_ms: u64, ok: bool) -> Sample {
        Sample {
            start: begin + Duration::from_millis(start_ms),
            end: begin + Duration::from_millis(end_ms),
            client: Ipv4Addr::LOCALHOST,
            result: if ok {
                Ok(Answer {
                    server: "rs1".to_owned(),
                    retransmits: 0,
                })
            } else {
                Err(Failure {
                    connected: true,
                    text: "reset".to_owned(),
                })
            },
        }
    }

    #[test]
    fn the_gap_is_between_answers_and_failures_do_not_end_it() {
        let begin = Instant::now();
        let rows = [
            (0, 5, true),
            (10, 15, true),
            (20, 60, false),
            (64, 70, true),
            (75, 80, true),
        ];
        let samples = rows.map(|(start, end, ok)| sample(begin, start, end, ok));
        let mut report = Report::new(samples.to_vec());
        let (gap, end) = report.longest_gap().unwrap();
        assert_eq!(gap, Duration::from_millis(55));
        assert_eq!(end, begin + Duration::from_millis(70));
        let error = report.none_failed().unwrap_err().to_string();
        assert!(error.starts_with("1 of 5 requests failed"), "{error}");
        assert!(error.ends_with("reset"), "{error}");

        let at = |ms| begin + Duration::from_millis(ms);
        assert_eq!(report.take_broken_off(&[at(0)..at(20), at(60)..at(70)]), 0);
        assert_eq!(report.take_broken_off(&[at(0)..at(2), at(59)..at(70)]), 1);
        assert!(report.none_failed().is_ok());
    }
}
