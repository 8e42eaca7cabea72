//! A message, in words. PURE.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Field;
use crate::events::Level;

use super::digest::Digest;
use super::time::utc;

/// Of a line; what a server or a script says may be longer.
const LINE: usize = 1000;
const SUBJECT: usize = 200;

/// Who tells whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) router_id: String,
    pub(super) target: String,
    /// When the daemon was started: events count from then.
    pub(super) started: SystemTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// Stays the same however often it is tried.
    pub(super) id: String,
    pub(super) at: SystemTime,
    pub(super) digest: Digest,
    /// Events before it that no message tells of.
    pub(super) dropped: u64,
}

impl Message {
    pub(super) fn new(id: String, digest: Digest) -> Self {
        let latest = digest.latest();
        Self {
            id,
            at: latest.map_or(UNIX_EPOCH, |item| item.entry.at),
            digest,
            dropped: 0,
        }
    }

    /// All of it in a sentence.
    pub(super) fn text(&self) -> String {
        let Some(latest) = self.digest.latest() else {
            return String::new();
        };
        let text = line(&latest.text(), LINE);
        match self.digest.events() - latest.count {
            0 => text,
            1 => format!("{text} (and another event)"),
            others => format!("{text} (and {others} other events)"),
        }
    }

    /// A line for each event, and one for those that have none.
    pub(super) fn lines(&self) -> String {
        let items = self.digest.items.iter();
        let mut lines: Vec<String> = items
            .map(|item| {
                let at = utc(item.entry.at);
                let text = line(&item.text(), LINE);
                format!("{at} {:<5} {text}", item.entry.event.level.name())
            })
            .collect();
        lines.extend(self.summary());
        if self.dropped > 0 {
            lines.push(format!(
                "{} events before these were lost: see `lvx events` on the director",
                self.dropped
            ));
        }
        lines.join("\n")
    }

    /// Of events without a line.
    pub(super) fn summary(&self) -> Option<String> {
        let more = &self.digest.more;
        let by_kind = more.iter().map(|(kind, count)| format!("{count} {kind}"));
        let by_kind: Vec<String> = by_kind.collect();
        let events = self.digest.unlisted();
        (events > 0).then(|| format!("and {events} more events: {}", by_kind.join(", ")))
    }

    /// The worst of its events.
    pub(super) fn level(&self) -> Level {
        let levels = || self.digest.items.iter().map(|item| item.entry.event.level);
        let has = |level: Level| levels().any(|one| one == level);
        match (has(Level::Error), has(Level::Warn)) {
            (true, _) => Level::Error,
            (false, true) => Level::Warn,
            (false, false) => Level::Info,
        }
    }

    /// What a placeholder stands for: of the latest event where there are several. Without control
    /// characters but the ends of lines of `events`.
    pub(super) fn field(&self, field: Field, context: &Context) -> String {
        let latest = self.digest.latest();
        let event = latest.map(|item| &item.entry.event);
        let text = match field {
            Field::Events => return self.lines(),
            Field::RouterId => context.router_id.clone(),
            Field::Target => context.target.clone(),
            Field::Id => self.id.clone(),
            Field::Count => self.digest.events().to_string(),
            Field::Text => self.text(),
            Field::Kind => event.map_or_else(String::new, |event| event.kind.name().to_owned()),
            Field::Level => self.level().name().to_owned(),
            Field::At => utc(self.at),
            Field::Instance => event
                .and_then(|event| event.instance.clone())
                .unwrap_or_default(),
            Field::Service => event
                .and_then(|event| event.service.clone())
                .unwrap_or_default(),
            Field::Server => {
                let server = event.and_then(|event| event.server);
                server.map_or_else(String::new, |server| server.to_string())
            }
            Field::State => {
                let state = event.and_then(|event| event.state());
                state.unwrap_or_default().to_owned()
            }
            Field::From => latest
                .and_then(|item| item.from.clone())
                .unwrap_or_default(),
            Field::Dropped => self.dropped.to_string(),
        };
        line(&text, LINE)
    }
}

/// The text as one line that is not too long.
pub(super) fn line(text: &str, most: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(most).map(printable).collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

/// As [`line`], for a subject.
pub(super) fn subject(text: &str) -> String {
    line(text, SUBJECT)
}
