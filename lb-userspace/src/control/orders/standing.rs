//! The orders that stand. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::control::history;
use crate::health::Subject;

/// What keeps clients from a real server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// It gets no packets at all.
    Disabled { reason: Option<String> },
    /// It gets no new clients, and after the deadline no packets.
    Drained { deadline: Option<Instant> },
}

impl Hold {
    /// As in "it was …".
    #[must_use]
    pub fn words(&self, now: Instant) -> String {
        match self {
            Self::Disabled { reason: None } => "disabled".to_owned(),
            Self::Disabled {
                reason: Some(reason),
            } => format!("disabled ({reason})"),
            Self::Drained { deadline: None } => "drained".to_owned(),
            Self::Drained {
                deadline: Some(deadline),
            } => match deadline.saturating_duration_since(now) {
                Duration::ZERO => "drained, past its deadline".to_owned(),
                left => format!("drained, with {} left", history::span(left)),
            },
        }
    }
}

/// The orders for one real server, at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    pub hold: Option<Hold>,
    /// In the place of its configured weight, and of its check's.
    pub weight: Option<u16>,
}

impl Order {
    const fn is_empty(&self) -> bool {
        self.hold.is_none() && self.weight.is_none()
    }

    #[must_use]
    pub fn words(&self, now: Instant) -> String {
        let hold = self.hold.as_ref().map(|hold| hold.words(now));
        let weight = self.weight.map(|weight| format!("weight {weight}"));
        let words: Vec<String> = hold.into_iter().chain(weight).collect();
        words.join(", ")
    }
}

#[derive(Debug, Clone, Default)]
pub(in crate::control) struct Orders {
    pub(super) standing: BTreeMap<Subject, Order>,
    /// Those that the daemon was not told of yet.
    pub(super) dropped: Vec<(Subject, Order)>,
}

impl Orders {
    /// Follows a configuration: a server that it does not have has no orders any more, not even
    /// when it comes back.
    pub(in crate::control) fn configure(&mut self, known: &BTreeSet<Subject>) {
        let gone = self.standing.extract_if(.., |one, _| !known.contains(one));
        self.dropped.extend(gone);
    }

    pub(in crate::control) fn get(&self, subject: &Subject) -> Option<&Order> {
        self.standing.get(subject)
    }

    pub(in crate::control) fn hold(&self, subject: &Subject) -> Option<&Hold> {
        self.get(subject)?.hold.as_ref()
    }

    pub(in crate::control) fn weight(&self, subject: &Subject) -> Option<u16> {
        self.get(subject)?.weight
    }

    /// When its servers get no more packets.
    pub(in crate::control) fn deadlines(&self) -> impl Iterator<Item = (&Subject, Instant)> {
        let standing = self.standing.iter();
        standing.filter_map(|(subject, order)| match order.hold {
            Some(Hold::Drained { deadline }) => Some((subject, deadline?)),
            Some(Hold::Disabled { .. }) | None => None,
        })
    }

    pub(super) fn change(&mut self, subject: Subject, change: impl FnOnce(&mut Order)) {
        let order = self.standing.entry(subject.clone()).or_default();
        change(order);
        if order.is_empty() {
            self.standing.remove(&subject);
        }
    }
}
