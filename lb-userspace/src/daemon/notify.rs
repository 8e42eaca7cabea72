//! Telling others of changes of VRRP states.

use std::path::Path;
use std::time::Duration;

use crate::config::Config;
use crate::events::{Event, Journal, Kind, Level};
use crate::notify::{Book, Change, Counts, Fifo, QuorumChange, QuorumScripts, Scripts, Written};
use crate::vrrp;

use super::Daemon;

pub(super) struct Notify {
    journal: Journal,
    book: Book,
    scripts: Scripts,
    quorums: QuorumScripts,
    fifo: Option<Fifo>,
    router_id: String,
    /// Told when the kernel has followed: scripts find the addresses as they shall be.
    waiting: Vec<Change>,
}

impl Notify {
    pub(super) fn new(journal: Journal) -> Self {
        Self {
            scripts: Scripts::new(journal.clone()),
            quorums: QuorumScripts::new(journal.clone()),
            journal,
            book: Book::default(),
            fifo: None,
            router_id: String::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn configure(&mut self, config: &Config) {
        self.book.configure(config);
        self.router_id.clone_from(&config.global.router_id);
        let services = &config.services;
        self.quorums
            .retain(|name| services.iter().any(|service| *service.name == *name));
        let wanted = config.global.notify_fifo.as_deref();
        if self.fifo.as_ref().map(Fifo::path) != wanted {
            self.fifo = wanted.and_then(|path| self.open(path));
        }
    }

    fn open(&self, path: &Path) -> Option<Fifo> {
        match Fifo::prepare(path) {
            Ok(fifo) => Some(fifo),
            Err(error) => {
                let text = format!("[global] notify_fifo is not served: {error}");
                self.journal.tell(Event::new(Kind::Failure, text));
                None
            }
        }
    }

    pub(super) fn enter(&mut self, event: &vrrp::Event) {
        if let vrrp::Event::State {
            instance,
            state,
            priority,
            cause,
            ..
        } = event
        {
            let cause = cause.to_string();
            let changes = self.book.enter(instance, *state, *priority, &cause);
            self.waiting.extend(changes);
        }
    }

    pub(super) fn quorum(&mut self, change: QuorumChange) {
        self.quorums.tell(change);
    }

    fn tell(&mut self) {
        for change in std::mem::take(&mut self.waiting) {
            if let Some(fifo) = &mut self.fifo {
                let told = match fifo.write(&change.line()) {
                    Written::Done { lost: 0 } | Written::LostAgain => None,
                    Written::Done { lost } => Some((
                        format!("the named pipe is read again: {lost} lines were lost"),
                        Level::Info,
                    )),
                    Written::Lost { why } => Some((
                        format!("a line for the named pipe is lost: {why}"),
                        Level::Warn,
                    )),
                };
                if let Some((text, level)) = told {
                    self.journal
                        .tell(Event::new(Kind::Notify, text).level(level));
                }
            }
            self.scripts.tell(change, &self.router_id);
        }
    }

    /// What became of scripts; lines written to the named pipe, and lost.
    pub(super) fn counts(&self) -> (Counts, (u64, u64)) {
        let lines = self.fifo.as_ref().map(Fifo::counts);
        (self.scripts.counts(), lines.unwrap_or_default())
    }

    pub(super) async fn finish(mut self, limit: Duration) {
        self.tell();
        tokio::join!(self.scripts.finish(limit), self.quorums.finish(limit));
    }
}

impl Daemon {
    /// Tells of the changes that the kernel has followed.
    pub(super) fn tell_changes(&mut self) {
        self.notify.tell();
    }
}
