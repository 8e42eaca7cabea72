//! What lets a check's next probe start: time, a reason to be early, and a gate that was shut.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::gate::Gate;
use super::prompt;

#[derive(Debug, Default)]
pub(super) struct Cues {
    /// Reasons to probe at once.
    prompts: Option<mpsc::Receiver<String>>,
    /// `None`: it may always run.
    gate: Option<Gate>,
    /// When a probe started early last.
    early: Option<Instant>,
}

/// A probe shall start.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) due: Instant,
    /// Why it is early.
    pub(super) why: Option<String>,
}

impl Cue {
    pub(super) const fn on_time(due: Instant) -> Self {
        Self { due, why: None }
    }
}

impl Cues {
    pub(super) const fn new(prompts: Option<mpsc::Receiver<String>>, gate: Option<Gate>) -> Self {
        Self {
            prompts,
            gate,
            early: None,
        }
    }

    /// Waits for the first probe, which starts at `due`.
    pub(super) async fn first(&mut self, due: Instant) -> Cue {
        sleep_until(due).await;
        self.pass(Cue::on_time(due)).await
    }

    /// Nothing else is to be waited for.
    pub(super) const fn are_time_alone(&self) -> bool {
        self.prompts.is_none() && self.gate.is_none()
    }

    /// Waits for the probe after one that started at `latest`; the next is due at `due`.
    pub(super) async fn next(&mut self, latest: Instant, due: Instant, interval: Duration) -> Cue {
        let Self {
            prompts,
            gate,
            early,
        } = self;
        let earliest = prompt::earliest(interval, latest, *early);
        let reopened = async {
            match gate {
                Some(gate) => gate.reopened().await,
                None => std::future::pending().await,
            }
        };
        let cue = tokio::select! {
            why = prompt::wait(prompts.as_mut(), earliest, due) => match why {
                None => Cue::on_time(due),
                Some(_) => Cue { due: Instant::now(), why },
            },
            () = reopened => Cue::on_time(Instant::now()),
        };
        let cue = self.pass(cue).await;
        if cue.why.is_some() {
            self.early = Some(cue.due);
        }
        cue
    }

    /// Waits while the gate is shut. A probe that had to wait is not late, and has no other reason.
    async fn pass(&mut self, cue: Cue) -> Cue {
        let waited = match &mut self.gate {
            Some(gate) => gate.open().await,
            None => false,
        };
        if waited {
            return Cue::on_time(Instant::now());
        }
        cue
    }
}
