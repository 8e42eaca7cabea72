//! The task of a target: hears events, and has one message under way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};

use crate::config::Target;
use crate::events::{Entry, Event, Journal, Kind, Level};
use crate::script::Runner;

use super::deliver::deliver;
use super::message::Context;
use super::outbox::{Counts, Outbox, Outcome, Turn};
use super::topic::{Filter, TARGET};

/// What a target shall be.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) target: Arc<Target>,
    pub(super) context: Context,
    /// The daemon ends: what is not delivered by then never is.
    pub(super) until: Option<Instant>,
}

/// How it is, for `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Board {
    pub(super) queued: u64,
    pub(super) counts: Counts,
    /// Why the latest try failed; `None`: it did not.
    pub(super) last_error: Option<String>,
    pub(super) last_success: Option<SystemTime>,
}

type Events = broadcast::Receiver<Arc<Entry>>;
type Delivery = Pin<Box<dyn Future<Output = Outcome> + Send>>;

pub(super) struct Worker {
    pub(super) setup: watch::Receiver<Setup>,
    /// What happened before `events`.
    pub(super) before: Vec<Entry>,
    pub(super) events: Events,
    pub(super) outbox: Outbox,
    pub(super) board: Arc<Mutex<Board>>,
    pub(super) runner: Runner,
    pub(super) journal: Journal,
}

impl Worker {
    /// Until the target is configured no more, or the daemon's end.
    pub(super) async fn run(mut self) {
        let mut filter = Filter::default();
        let mut delivery: Option<Delivery> = None;
        let mut setup = self.setup.borrow_and_update().clone();
        for entry in std::mem::take(&mut self.before) {
            self.hear(&mut filter, &setup.target, Arc::new(entry));
        }
        if setup.until.is_some() {
            self.close(&mut filter, &setup.target);
        }
        loop {
            let now = Instant::now();
            // None while one is under way, but groups end meanwhile.
            if let Some(message) = self.outbox.poll(now) {
                let (setup, runner) = (setup.clone(), self.runner.clone());
                delivery = Some(Box::pin(async move {
                    deliver(&setup.target, &setup.context, &message, &runner).await
                }));
            }
            self.show();
            let closing = setup.until.is_some();
            if closing && delivery.is_none() && self.outbox.queued() == 0 {
                return;
            }
            let wake = self.outbox.wake();
            tokio::select! {
                // Its end makes room for others.
                outcome = under_way(&mut delivery) => {
                    delivery = None;
                    self.end(&setup, outcome);
                }
                event = self.events.recv(), if !closing => match event {
                    Ok(entry) => self.hear(&mut filter, &setup.target, entry),
                    Err(RecvError::Lagged(events)) => self.outbox.lose(events),
                    // The journal lives as long as this.
                    Err(RecvError::Closed) => return,
                },
                changed = self.setup.changed() => {
                    if changed.is_err() {
                        return self.abandon(&setup, "it is configured no more");
                    }
                    let before = setup.target.pace;
                    setup = self.setup.borrow_and_update().clone();
                    if setup.target.pace != before {
                        self.outbox.set_pace(setup.target.pace, Instant::now());
                    }
                    if setup.until.is_some() {
                        self.close(&mut filter, &setup.target);
                    }
                }
                () = sleep_until(wake) => {}
                () = sleep_until(setup.until) => {
                    return self.abandon(&setup, "the daemon ends");
                }
            }
        }
    }

    fn hear(&mut self, filter: &mut Filter, target: &Target, entry: Arc<Entry>) {
        if let Some(news) = filter.take(target, &entry) {
            self.outbox.take(entry, news, Instant::now());
        }
    }

    /// Nothing waits any more, what has been told and not been heard yet included.
    fn close(&mut self, filter: &mut Filter, target: &Target) {
        loop {
            match self.events.try_recv() {
                Ok(entry) => self.hear(filter, target, entry),
                Err(TryRecvError::Lagged(events)) => self.outbox.lose(events),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.outbox.close(Instant::now());
    }

    fn end(&mut self, setup: &Setup, outcome: Outcome) {
        let error = match &outcome {
            Outcome::Sent => None,
            Outcome::Later { why, .. } | Outcome::Never { why } => Some(why.clone()),
        };
        {
            let mut board = lock(&self.board);
            if error.is_none() {
                board.last_success = Some(SystemTime::now());
            }
            board.last_error = error;
        }
        if let Some(turn) = self.outbox.done(outcome, Instant::now()) {
            self.tell(setup, &turn);
        }
    }

    /// Once when it begins to fail, and once when it works again.
    fn tell(&self, setup: &Setup, turn: &Turn) {
        let name = &setup.target.name;
        let (text, level) = match turn {
            Turn::Failing { why, retried: true } => (
                format!("{name} cannot be told, it is tried again: {why}"),
                Level::Warn,
            ),
            Turn::Failing {
                why,
                retried: false,
            } => (format!("{name} refuses a message: {why}"), Level::Warn),
            Turn::Recovered { lost: 0 } => (format!("{name} is told again"), Level::Info),
            Turn::Recovered { lost } => (
                format!("{name} is told again: {lost} events were lost"),
                Level::Info,
            ),
        };
        self.say(setup, text, level);
    }

    fn abandon(&mut self, setup: &Setup, why: &str) {
        let (messages, events) = self.outbox.abandon(Instant::now());
        self.show();
        if messages > 0 {
            let name = &setup.target.name;
            let text =
                format!("{name} is not told of {events} events in {messages} messages: {why}");
            self.say(setup, text, Level::Warn);
        }
    }

    fn say(&self, setup: &Setup, text: String, level: Level) {
        let event = Event::new(Kind::Notify, text).level(level);
        self.journal.tell(event.field(TARGET, &setup.target.name));
    }

    fn show(&self) {
        let mut board = lock(&self.board);
        board.queued = self.outbox.queued();
        board.counts = self.outbox.counts();
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Numbers and words, whole after every statement.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn under_way(delivery: &mut Option<Delivery>) -> Outcome {
    match delivery {
        Some(delivery) => delivery.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
