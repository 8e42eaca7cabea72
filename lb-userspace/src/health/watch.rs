//! The task of one check: probes a server again and again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::config::{Check, Initial};
use crate::events::{Event, Journal, Kind};

use super::attempt::Tools;
use super::cue::{Cue, Cues};
use super::jitter::Jitter;
use super::outcome::{Certificate, Good, Outcome};
use super::probe::probe;
use super::verdict::Judge;
use super::{Subject, Verdict, prompt};

/// The check of one server: what it knows between two probes.
pub(super) struct Watch<T> {
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
    /// Unless the server is taken for something before, its first probe decides by itself: a
    /// director that takes over shall know its servers.
    pub(super) fn new(
        (subject, check, initial): (Subject, Arc<Check>, Initial),
        tools: Arc<Tools>,
        verdicts: mpsc::Sender<T>,
    ) -> Self {
        Self {
            judge: Judge::new(check.rise, check.fall).starting(initial.up()),
            jitter: Jitter::new(&subject.real_server),
            last: Good::default(),
            reminder: Reminder::default(),
            subject,
            check,
            tools,
            verdicts,
        }
    }

    /// Probes until nobody listens, for the first time at `due`.
    ///
    /// There may be ten thousand that wait, and few that do anything else: the others' states are
    /// on the heap.
    #[expect(
        clippy::manual_async_fn,
        reason = "the future of an async fn has its arguments twice"
    )]
    pub(super) fn run(mut self, mut cues: Cues, mut due: Instant) -> impl Future<Output = ()> + Send
    where
        T: Send,
    {
        async move {
            let mut start = self.start(due);
            let mut cue = Box::pin(cues.first(start)).await;
            if Box::pin(self.waits_for_ways()).await {
                cue.due = Instant::now();
            }
            loop {
                if cue.due != start {
                    // Others follow the one that was not when it should have been.
                    due = cue.due;
                }
                let latest = Instant::now();
                if Box::pin(self.round(cue)).await.is_none() {
                    return;
                }
                // One that took longer than the interval makes the next one no later than need be.
                due += self.jitter.vary(self.check.interval, self.check.jitter);
                due = due.max(Instant::now());
                start = self.start(due);
                cue = if cues.are_time_alone() {
                    sleep_until(start).await;
                    Cue::on_time(start)
                } else {
                    Box::pin(cues.next(latest, start, self.check.interval)).await
                };
            }
        }
    }

    /// When a probe that is due at `due` starts.
    fn start(&self, due: Instant) -> Instant {
        self.tools.turns.together(due, self.check.interval)
    }

    /// Waits until it is known how the server can be asked; tells whether that was to be waited
    /// for.
    async fn waits_for_ways(&self) -> bool {
        let probe = &self.check.probe;
        self.tools.through.wait(&self.subject, probe).await;
        probe.through_vip().next().is_some()
    }

    /// A probe and what follows from it. `None`: nobody listens.
    async fn round(&mut self, cue: Cue) -> Option<()> {
        let Cue { due, why } = cue;
        let check = &self.check;
        let turn = self.tools.turns.take(due, check.probe.sockets()).await;
        let outcome = probe(&self.subject, check, &self.tools).await;
        drop(turn);
        let (subject, journal) = (&self.subject, &self.tools.journal);
        remind(&mut self.reminder, subject, &outcome, journal);
        let verdict = judge_outcome(&mut self.judge, &mut self.last, subject, outcome);
        if let Some(verdict) = verdict {
            let verdict = prompt::because(verdict, why);
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
        at: std::time::Instant::now(),
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

fn remind(reminder: &mut Reminder, subject: &Subject, outcome: &Outcome, journal: &Journal) {
    let Ok(good) = outcome else { return };
    let (Some(certificate), Some(words)) = (
        good.certificate,
        reminder.remind(good.certificate, SystemTime::now()),
    ) else {
        return;
    };
    let (service, real_server) = (&subject.service, subject.real_server);
    let expires = certificate.expires.duration_since(UNIX_EPOCH);
    let text = format!("real server {real_server} of {service}: {words}");
    let event = Event::new(Kind::Certificate, text).server(service, real_server);
    journal.tell(event.field("expires", expires.unwrap_or_default().as_secs()));
}

#[cfg(test)]
mod tests {
    use crate::health::Weight;
    use crate::health::failure::{Failure, Refusal};

    use super::*;

    fn told(outcomes: &[Outcome]) -> Vec<Option<(bool, bool, Option<Weight>)>> {
        let subject = Subject {
            service: "web".into(),
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

    #[test]
    fn a_certificate_that_expires_soon_is_an_event() {
        let subject = Subject {
            service: "web".into(),
            real_server: "192.0.2.21".parse().unwrap(),
        };
        let hour = Duration::from_secs(3600);
        let expires = SystemTime::now() + 30 * hour;
        let certificate = |warning| Certificate { expires, warning };
        let good = |warning| {
            Ok(Good {
                weight: None,
                certificate: Some(certificate(warning)),
            })
        };
        let (journal, mut reminder) = (Journal::default(), Reminder::default());
        for warning in [10 * hour, 40 * hour, 40 * hour] {
            remind(&mut reminder, &subject, &good(warning), &journal);
        }
        let told = journal.excerpt(None, 9).entries;
        assert_eq!(told.len(), 1, "{told:?}");
        let event = &told[0].event;
        assert_eq!(event.kind, Kind::Certificate);
        assert_eq!(
            event.text,
            "real server 192.0.2.21 of web: its certificate expires in a day: renew it"
        );
        assert_eq!(event.server, Some(subject.real_server));
        let since = expires.duration_since(UNIX_EPOCH).unwrap();
        assert_eq!(event.fields, [("expires", since.as_secs().to_string())]);
    }
}
