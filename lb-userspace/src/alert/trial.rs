//! `lvx notify test`: tries that an operator asked for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;

use crate::events::{Entry, Event, Kind};
use crate::script::Runner;

use super::deliver::{SLACK, deliver};
use super::digest::Digest;
use super::message::Message;
use super::outbox::Outcome;
use super::target::{Setup, lock};
use super::topic::News;

/// Tests whose ends are remembered.
const REMEMBERED: usize = 8;

/// What came of a test of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub name: String,
    pub means: &'static str,
    /// `None`: it is under way.
    pub ended: Option<Result<(), String>>,
}

struct Trial {
    number: u64,
    verdicts: Arc<Mutex<Vec<Verdict>>>,
    /// They end with the trial.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
pub(super) struct Trials {
    last: u64,
    trials: VecDeque<Trial>,
}

impl Trials {
    /// Its number, and the time in which it is over.
    pub(super) fn start(&mut self, setups: Vec<(Setup, Runner)>) -> (u64, Duration) {
        if self.trials.len() == REMEMBERED {
            self.trials.pop_front();
        }
        self.last += 1;
        let timeouts = setups.iter().map(|(setup, _)| setup.target.means.timeout());
        let within = timeouts.max().unwrap_or_default() + SLACK;
        let verdicts = setups.iter().map(|(setup, _)| Verdict {
            name: setup.target.name.clone(),
            means: setup.target.means.name(),
            ended: None,
        });
        let verdicts = Arc::new(Mutex::new(verdicts.collect::<Vec<_>>()));
        let mut tasks = JoinSet::new();
        for (place, (setup, runner)) in setups.into_iter().enumerate() {
            let verdicts = Arc::clone(&verdicts);
            let message = message(&setup, self.last, place);
            tasks.spawn(async move {
                let tried = deliver(&setup.target, &setup.context, &message, &runner);
                let ended = match tokio::time::timeout(within, tried).await {
                    Ok(Outcome::Sent) => Ok(()),
                    Ok(Outcome::Later { why, .. } | Outcome::Never { why }) => Err(why),
                    Err(_) => Err(format!("it did not end within {within:?}")),
                };
                if let Some(verdict) = lock(&verdicts).get_mut(place) {
                    verdict.ended = Some(ended);
                }
            });
        }
        self.trials.push_back(Trial {
            number: self.last,
            verdicts,
            _tasks: tasks,
        });
        (self.last, within)
    }

    pub(super) fn verdicts(&self, number: u64) -> Result<Vec<Verdict>, String> {
        let trial = self.trials.iter().find(|trial| trial.number == number);
        let trial = trial.ok_or_else(|| format!("test {number} is not remembered"))?;
        Ok(lock(&trial.verdicts).clone())
    }
}

fn message(setup: &Setup, number: u64, place: usize) -> Message {
    let name = &setup.target.name;
    let text = format!("this is a test of {name}, which an operator asked for");
    let at = SystemTime::now();
    let entry = Entry {
        sequence: 0,
        at,
        event: Event::new(Kind::Notify, text),
    };
    let news = News {
        subject: None,
        from: None,
    };
    let mut digest = Digest::default();
    digest.push(Arc::new(entry), news);
    let at = super::time::milliseconds(at);
    // Several targets may end in one mailbox.
    Message::new(format!("test-{at}.{number}.{place}"), digest)
}
