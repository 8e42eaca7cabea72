//! The task of one check: probes a server again and again.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;

use crate::config::Check;

use super::attempt::Tools;
use super::jitter::Jitter;
use super::outcome::{Certificate, Good, Outcome};
use super::probe::probe;
use super::verdict::Judge;
use super::{Subject, Verdict};

/// Probes one server until nobody listens. The first probe starts at `due`, and decides by itself:
/// a director that takes over shall know its servers.
pub(super) async fn watch<T: From<Verdict>>(
    subject: Subject,
    check: Arc<Check>,
    tools: Arc<Tools>,
    verdicts: mpsc::Sender<T>,
    mut due: tokio::time::Instant,
) {
    let mut watch = Watch {
        judge: Judge::new(check.rise, check.fall),
        jitter: Jitter::new(&subject.real_server),
        last: Good::default(),
        reminder: Reminder::default(),
        subject,
        check,
        tools,
        verdicts,
    };
    loop {
        let start = watch.tools.turns.together(due, watch.check.interval);
        tokio::time::sleep_until(start).await;
        // On the heap: there may be ten thousand that wait, and few that do anything else.
        if Box::pin(watch.round(start)).await.is_none() {
            return;
        }
        // One that took longer than the interval makes the next one no later than need be.
        due += watch.jitter.vary(watch.check.interval, watch.check.jitter);
        due = due.max(tokio::time::Instant::now());
    }
}

/// What a check knows between two probes.
struct Watch<T> {
    subject: Subject,
    check: Arc<Check>,
    tools: Arc<Tools>,
    verdicts: mpsc::Sender<T>,
    judge: Judge,
    jitter: Jitter,
    last: Good,
    reminder: Reminder,
}

impl<T: From<Verdict>> Watch<T> {
    /// A probe and what follows from it. `None`: nobody listens.
    async fn round(&mut self, due: tokio::time::Instant) -> Option<()> {
        let check = &self.check;
        let sockets = check.probe.leaves().len();
        let turn = self.tools.turns.take(due, sockets).await;
        let outcome = probe(&self.subject, check, &self.tools).await;
        drop(turn);
        remind(&mut self.reminder, &self.subject, &outcome);
        let verdict = judge_outcome(&mut self.judge, &mut self.last, &self.subject, outcome);
        if let Some(verdict) = verdict {
            self.verdicts.send(verdict.into()).await.ok()?;
        }
        Some(())
    }
}

/// The verdict, if it is the first or says something new. `last` is what was told of a server that
/// is up.
fn judge_outcome(
    judge: &mut Judge,
    last: &mut Good,
    subject: &Subject,
    outcome: Outcome,
) -> Option<Verdict> {
    let changed = judge.observe(outcome.is_ok());
    let news = outcome
        .as_ref()
        .is_ok_and(|good| judge.is_up() && good != last);
    if !changed && !news {
        return None;
    }
    if let Ok(good) = &outcome {
        *last = *good;
    }
    Some(Verdict {
        subject: subject.clone(),
        outcome: outcome.map(drop).map_err(|failure| failure.to_string()),
        changed,
        weight: last.weight,
        certificate: last.certificate,
        at: Instant::now(),
    })
}

/// When the operator was told last of a certificate that expires soon.
#[derive(Default)]
struct Reminder {
    told: Option<SystemTime>,
}

impl Reminder {
    /// What to tell now, once a day.
    fn remind(&mut self, certificate: Option<Certificate>, now: SystemTime) -> Option<String> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let Some(words) = certificate.and_then(|one| one.told(now)) else {
            self.told = None;
            return None;
        };
        let recently = |told: SystemTime| now.duration_since(told).is_ok_and(|since| since < DAY);
        if self.told.is_some_and(recently) {
            return None;
        }
        self.told = Some(now);
        Some(words)
    }
}

fn remind(reminder: &mut Reminder, subject: &Subject, outcome: &Outcome) {
    let Ok(good) = outcome else { return };
    if let Some(words) = reminder.remind(good.certificate, SystemTime::now()) {
        let (service, real_server) = (&subject.service, subject.real_server);
        tracing::warn!(%service, %real_server, "{words}");
    }
}

#[cfg(test)]
mod tests {
    use crate::health::Weight;
    use crate::health::failure::{Failure, Refusal};

    use super::*;

    fn told(outcomes: &[Outcome]) -> Vec<Option<(bool, bool, Option<Weight>)>> {
        let subject = Subject {
            service: "web".to_owned(),
            real_server: "192.0.2.21".parse().unwrap(),
        };
        let (mut judge, mut last) = (Judge::new(2, 2), Good::default());
        let outcomes = outcomes.iter().cloned();
        let verdicts = outcomes.map(|one| judge_outcome(&mut judge, &mut last, &subject, one));
        let short = |verdict: Verdict| (verdict.outcome.is_ok(), verdict.changed, verdict.weight);
        verdicts.map(|verdict| verdict.map(short)).collect()
    }

    #[test]
    fn a_weight_is_news_while_the_server_is_up() {
        let good = |weight| {
            Ok(Good {
                weight: Some(Weight::Is(weight)),
                certificate: None,
            })
        };
        let bad = || {
            Err(Failure::Connect {
                to: "192.0.2.21:80".parse().unwrap(),
                fault: Refusal::Refused,
            })
        };
        let is = |weight| Some(Weight::Is(weight));
        assert_eq!(
            told(&[
                good(5),
                good(5),
                good(6),
                bad(),
                good(7),
                bad(),
                bad(),
                good(8),
                good(9)
            ]),
            [
                Some((true, true, is(5))),
                None,
                Some((true, false, is(6))),
                None,
                Some((true, false, is(7))),
                None,
                Some((false, true, is(7))),
                None,
                Some((true, true, is(9))),
            ]
        );
    }

    #[test]
    fn a_certificate_is_reminded_of_once_a_day() {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let start = SystemTime::UNIX_EPOCH + 10_000 * HOUR;
        let certificate = |left| Certificate {
            expires: start + left,
            warning: 48 * HOUR,
        };
        let mut reminder = Reminder::default();
        let mut at = |hours: u32, certificate| {
            reminder
                .remind(Some(certificate), start + hours * HOUR)
                .is_some()
        };
        let soon = certificate(40 * HOUR);
        assert!(at(0, soon));
        assert!(!at(23, soon));
        assert!(at(24, soon));
        assert!(!at(25, certificate(1000 * HOUR)), "it was renewed");
        assert!(at(26, soon), "and taken back");
    }
}
