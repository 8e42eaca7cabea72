//! What one message tells: events, with those folded that say the same or are about the same.
//! PURE.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::events::Entry;

use super::topic::{News, Subject};

/// Lines of a message; what is beyond is counted by kind.
const LINES: usize = 50;
/// States that a line names.
const STATES: usize = 8;

/// A line of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The latest event of the line.
    pub(super) entry: Arc<Entry>,
    /// Events that the line stands for.
    pub(super) count: u64,
    pub(super) subject: Option<Subject>,
    /// The state before the first one.
    pub(super) from: Option<String>,
    /// The first and the latest ones that its subject has had.
    pub(super) states: Vec<String>,
    /// Those between that are not in `states`.
    pub(super) omitted: u64,
}

impl Item {
    fn new(entry: Arc<Entry>, news: News) -> Self {
        let state = entry.event.state().map(str::to_owned);
        Self {
            entry,
            count: 1,
            subject: news.subject,
            from: news.from,
            states: state.into_iter().collect(),
            omitted: 0,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (&self.subject, &other.subject) {
            (Some(a), Some(b)) => a == b,
            (None, None) => {
                let (a, b) = (&self.entry.event, &other.entry.event);
                a.kind == b.kind && a.text == b.text
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn fold(&mut self, later: Self) {
        self.entry = later.entry;
        self.count += later.count;
        self.states.extend(later.states);
        self.omitted += later.omitted;
        let over = self.states.len().saturating_sub(STATES);
        if over > 0 {
            // How it began and how it is now counts most.
            let half = STATES / 2;
            self.states.drain(half..half + over);
            self.omitted += over as u64;
        }
    }

    /// A sentence.
    pub(super) fn text(&self) -> String {
        let text = &self.entry.event.text;
        match &self.subject {
            _ if self.count == 1 => text.clone(),
            None => format!("{text} ({} times)", self.count),
            Some(subject) => {
                let mut states = self.states.clone();
                if self.omitted > 0 {
                    states.insert(STATES / 2, format!("… {} more …", self.omitted));
                }
                format!("{}: {}; last: {text}", subject.name(), states.join(", "))
            }
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Digest {
    /// Oldest first.
    pub(super) items: Vec<Item>,
    /// Events without a line, by kind.
    pub(super) more: BTreeMap<&'static str, u64>,
}

impl Digest {
    pub(super) fn push(&mut self, entry: Arc<Entry>, news: News) {
        let item = Item::new(entry, news);
        let listed = self.items.len();
        match self.items.iter_mut().find(|one| one.same(&item)) {
            Some(same) => same.fold(item),
            None if listed < LINES => self.items.push(item),
            None => *self.more.entry(item.entry.event.kind.name()).or_default() += item.count,
        }
    }

    /// Events that it stands for.
    pub(super) fn events(&self) -> u64 {
        self.items.iter().map(|item| item.count).sum::<u64>() + self.unlisted()
    }

    /// Those without a line.
    pub(super) fn unlisted(&self) -> u64 {
        self.more.values().sum()
    }

    /// The latest event that has a line.
    pub(super) fn latest(&self) -> Option<&Item> {
        self.items.iter().max_by_key(|item| item.entry.sequence)
    }
}
