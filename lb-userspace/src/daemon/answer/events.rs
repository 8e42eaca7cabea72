//! `lvx events`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::api::shape::{Event, Events};
use crate::events::Entry;

use super::Daemon;

impl Daemon {
    pub(super) fn events(&self, after: Option<u64>, count: Option<usize>) -> Events {
        let excerpt = self.journal.excerpt(after, count.unwrap_or(usize::MAX));
        Events {
            started: milliseconds(self.started_at),
            events: excerpt.entries.into_iter().map(shape).collect(),
            missed: excerpt.missed,
            last: excerpt.last,
        }
    }
}

fn shape(entry: Entry) -> Event {
    let event = entry.event;
    let fields = event.fields.into_iter();
    Event {
        sequence: entry.sequence,
        at: milliseconds(entry.at),
        kind: event.kind.name().to_owned(),
        level: event.level.name().to_owned(),
        instance: event.instance,
        service: event.service,
        server: event.server,
        text: event.text,
        fields: fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

pub(super) fn milliseconds(at: SystemTime) -> u64 {
    let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
