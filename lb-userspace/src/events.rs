//! What happened: each event is a line of the log and an entry of a bounded history, which
//! `lvx events` shows.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

mod describe;
#[cfg(test)]
mod tests;

/// Entries of the history.
const ROOM: usize = 1000;
/// Events that a listener may be behind; it loses the oldest of more.
const BEHIND: usize = 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A VRRP instance changed its state.
    State,
    /// Another director leads.
    Leader,
    /// A second master.
    Rival,
    RivalGone,
    /// Another host answers for a virtual address.
    Duplicate,
    DuplicateGone,
    /// The protocol was not scheduled in time.
    Overslept,
    /// Something does not work.
    Failure,
    /// What others changed was put right.
    Repair,
    Reload,
    /// A real server came up or went down.
    Server,
    /// A real server's certificate expires soon.
    Certificate,
    /// The set of data planes changed.
    Plane,
    /// Something tracked changed, or the priority that follows from it.
    Track,
    /// About scripts and the named pipe that are told of changes.
    Notify,
    /// An operator's order.
    Order,
    /// The daemon started, or ends.
    Daemon,
    /// A service has enough healthy real servers, or not.
    Quorum,
    /// So few of a service's real servers are healthy that all are used, or no longer.
    Panic,
    /// A service's fallback gets its clients, or no longer.
    Fallback,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Leader => "leader",
            Self::Rival => "rival",
            Self::RivalGone => "rival_gone",
            Self::Duplicate => "duplicate",
            Self::DuplicateGone => "duplicate_gone",
            Self::Overslept => "overslept",
            Self::Failure => "failure",
            Self::Repair => "repair",
            Self::Reload => "reload",
            Self::Server => "server",
            Self::Certificate => "certificate",
            Self::Plane => "plane",
            Self::Track => "track",
            Self::Notify => "notify",
            Self::Order => "order",
            Self::Daemon => "daemon",
            Self::Quorum => "quorum",
            Self::Panic => "panic",
            Self::Fallback => "fallback",
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::State
            | Self::Leader
            | Self::RivalGone
            | Self::DuplicateGone
            | Self::Reload
            | Self::Server
            | Self::Track
            | Self::Notify
            | Self::Order
            | Self::Daemon
            | Self::Quorum
            | Self::Panic
            | Self::Fallback => Level::Info,
            Self::Overslept | Self::Repair | Self::Certificate | Self::Plane => Level::Warn,
            Self::Rival | Self::Duplicate | Self::Failure => Level::Error,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: Kind,
    pub level: Level,
    /// VRRP instance that it is about.
    pub instance: Option<String>,
    pub service: Option<String>,
    pub server: Option<IpAddr>,
    /// A sentence, which says all.
    pub text: String,
    /// Parts of the sentence, for programs.
    pub fields: Vec<(&'static str, String)>,
}

impl Event {
    #[must_use]
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            level: kind.level(),
            instance: None,
            service: None,
            server: None,
            text: text.into(),
            fields: Vec::new(),
        }
    }

    #[must_use]
    pub fn instance(mut self, name: &str) -> Self {
        self.instance = Some(name.to_owned());
        self
    }

    #[must_use]
    pub fn service(mut self, service: &str) -> Self {
        self.service = Some(service.to_owned());
        self
    }

    #[must_use]
    pub fn server(mut self, service: &str, server: IpAddr) -> Self {
        self.service = Some(service.to_owned());
        self.server = Some(server);
        self
    }

    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// A part of the sentence.
    #[must_use]
    pub fn field_of(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The state that what it is about has from now on.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.field_of("state")
    }

    fn log(&self) {
        let Self { kind, text, .. } = self;
        let kind = kind.name();
        let (instance, service) = (self.instance.as_deref(), self.service.as_deref());
        let server = self.server.map(tracing::field::display);
        match self.level {
            Level::Info => tracing::info!(kind, instance, service, server, "{text}"),
            Level::Warn => tracing::warn!(kind, instance, service, server, "{text}"),
            Level::Error => tracing::error!(kind, instance, service, server, "{text}"),
        }
    }
}

/// An event with its place in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Counts from 1 at the daemon's start.
    pub sequence: u64,
    pub at: SystemTime,
    pub event: Event,
}

/// A part of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub entries: Vec<Entry>,
    /// Events after the one asked for that the history does not have any more.
    pub missed: u64,
    /// Sequence number of the latest event; 0 = there was none yet.
    pub last: u64,
}

#[derive(Debug, Default)]
struct Ring {
    last: u64,
    entries: VecDeque<Entry>,
}

impl Ring {
    fn push(&mut self, event: Event, at: SystemTime) -> u64 {
        if self.entries.len() == ROOM {
            self.entries.pop_front();
        }
        self.last += 1;
        let sequence = self.last;
        self.entries.push_back(Entry {
            sequence,
            at,
            event,
        });
        sequence
    }

    fn excerpt(&self, after: Option<u64>, count: usize) -> Excerpt {
        let first = self.entries.front().map_or(self.last + 1, |e| e.sequence);
        let after = after.unwrap_or(first - 1);
        let missed = (first - 1).saturating_sub(after);
        let entries: Vec<Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.sequence > after)
            .cloned()
            .collect();
        let skipped = entries.len().saturating_sub(count);
        Excerpt {
            entries: entries.into_iter().skip(skipped).collect(),
            missed,
            last: self.last,
        }
    }
}

/// The history and the log: whoever has something to tell has a clone.
#[derive(Debug, Clone)]
pub struct Journal {
    ring: Arc<Mutex<Ring>>,
    listeners: broadcast::Sender<Arc<Entry>>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            ring: Arc::default(),
            listeners: broadcast::Sender::new(BEHIND),
        }
    }
}

impl Journal {
    /// Logs the event and remembers it; returns its sequence number. Never waits for a listener.
    pub fn tell(&self, event: Event) -> u64 {
        event.log();
        let at = SystemTime::now();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = ring.push(event.clone(), at);
        // Under the lock, so that they hear of it in the order of the numbers.
        let entry = Entry {
            sequence,
            at,
            event,
        };
        // There may be none.
        let _ = self.listeners.send(Arc::new(entry));
        sequence
    }

    /// Hears of all events from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.listeners.subscribe()
    }

    /// As [`Self::listen`], with what the history has of the time before.
    #[must_use]
    pub fn listen_to_all(&self) -> (Vec<Entry>, broadcast::Receiver<Arc<Entry>>) {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let before = ring.entries.iter().cloned().collect();
        (before, self.listeners.subscribe())
    }

    /// The latest `count` events, those after `after` alone.
    #[must_use]
    pub fn excerpt(&self, after: Option<u64>, count: usize) -> Excerpt {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.excerpt(after, count)
    }
}
