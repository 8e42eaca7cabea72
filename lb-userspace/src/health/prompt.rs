//! Reasons for which a passive check probes at once.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Verdict;

/// Between two probes.
const LEAST: Duration = Duration::from_millis(100);

/// When a check may probe early, whatever clients meet: a quarter of its interval after the latest
/// probe that was early, and a moment after the latest of all.
pub(super) fn earliest(interval: Duration, latest: Instant, early: Option<Instant>) -> Instant {
    let after_early = early.map(|early| early + interval / 4);
    after_early.unwrap_or(latest).max(latest + LEAST)
}

/// Waits for the next probe: at `next`, or when there is a reason, but not before `early`. Returns
/// the reason.
pub(super) async fn wait(
    prompts: Option<&mut mpsc::Receiver<String>>,
    early: Instant,
    next: Instant,
) -> Option<String> {
    let reason = async {
        let Some(prompts) = prompts else {
            return std::future::pending().await;
        };
        sleep_until(early).await;
        match prompts.recv().await {
            Some(reason) => reason,
            // The check was given up.
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        reason = reason => Some(reason),
        () = sleep_until(next) => None,
    }
}

/// Says why the server was probed just now, if it is down.
pub(super) fn because(mut verdict: Verdict, prompted: Option<String>) -> Verdict {
    if let (Err(reason), Some(why)) = (&mut verdict.outcome, prompted) {
        *reason = format!("{reason} (probed early: {why})");
    }
    verdict
}

#[cfg(test)]
mod tests {
    use crate::health::Subject;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_prompt_is_waited_for_until_the_next_probe_and_heeded_no_sooner_than_it_may() {
        let start = Instant::now();
        let (early, next) = (start + LEAST, start + SECOND);
        let (sender, mut prompts) = mpsc::channel(1);
        assert_eq!(wait(Some(&mut prompts), early, next).await, None);
        assert_eq!(start.elapsed(), SECOND);

        let start = Instant::now();
        let (early, next) = (start + LEAST, start + SECOND);
        sender.try_send("why".to_owned()).unwrap();
        let why = wait(Some(&mut prompts), early, next).await;
        assert_eq!((why.as_deref(), start.elapsed()), (Some("why"), LEAST));

        drop(sender);
        let next = Instant::now() + SECOND;
        assert_eq!(wait(Some(&mut prompts), next, next).await, None);
    }

    #[test]
    fn early_probes_are_a_quarter_of_the_interval_apart() {
        let start = Instant::now();
        let after = |latest, early| earliest(SECOND, start + latest, early) - start;
        assert_eq!(after(Duration::ZERO, None), LEAST);
        assert_eq!(after(Duration::ZERO, Some(start)), SECOND / 4);
        assert_eq!(after(SECOND / 5, Some(start)), SECOND / 5 + LEAST);
        assert_eq!(after(SECOND, Some(start)), SECOND + LEAST);
    }

    #[test]
    fn a_server_that_is_down_tells_why_it_was_probed() {
        let said = |outcome: Result<(), &str>| {
            let verdict = Verdict {
                subject: Subject {
                    service: "web".into(),
                    real_server: "192.0.2.21".parse().unwrap(),
                },
                outcome: outcome.map_err(str::to_owned),
                changed: true,
                weight: None,
                certificate: None,
                at: std::time::Instant::now(),
            };
            because(verdict, Some("3 of 3".to_owned())).outcome
        };
        assert_eq!(said(Ok(())), Ok(()));
        assert_eq!(
            said(Err("silent")),
            Err("silent (probed early: 3 of 3)".to_owned())
        );
    }
}
