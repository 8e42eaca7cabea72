//! Which events a target is told of. PURE.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::config::{Target, Topic};
use crate::events::{Entry, Event};

/// The topic of each kind of event, by the kind's name.
const KINDS: &[(&str, Topic)] = &[
    ("state", Topic::Vrrp),
    ("leader", Topic::Vrrp),
    ("failure", Topic::Vrrp),
    ("overslept", Topic::Vrrp),
    ("server", Topic::Server),
    ("quorum", Topic::Quorum),
    ("rival", Topic::SplitBrain),
    ("rival_gone", Topic::SplitBrain),
    ("duplicate", Topic::SplitBrain),
    ("duplicate_gone", Topic::SplitBrain),
    ("plane", Topic::Plane),
    ("daemon", Topic::Daemon),
    ("certificate", Topic::Certificate),
    ("order", Topic::Order),
    ("reload", Topic::Reload),
    ("repair", Topic::Repair),
    ("track", Topic::Track),
    ("notify", Topic::Notify),
];

/// Field of events about a target of notifications.
pub(super) const TARGET: &str = "target";

/// What has a state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    kind: &'static str,
    instance: Option<String>,
    service: Option<String>,
    server: Option<IpAddr>,
}

impl Subject {
    /// `None`: the event is not about the state of something.
    pub(super) fn of(event: &Event) -> Option<Self> {
        event.state()?;
        Some(Self {
            kind: event.kind.name(),
            instance: event.instance.clone(),
            service: event.service.clone(),
            server: event.server,
        })
    }

    /// As people call it.
    pub(super) fn name(&self) -> String {
        let server = self.server.map(|server| server.to_string());
        let names = [self.instance.clone(), self.service.clone(), server];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What a target wants of all events, and the states that it knows.
#[derive(Debug, Default)]
pub(super) struct Filter {
    known: BTreeMap<Subject, String>,
}

/// An event that a target is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    pub(super) subject: Option<Subject>,
    /// The state before, if it is known.
    pub(super) from: Option<String>,
}

impl Filter {
    /// `None`: the target is not told.
    pub(super) fn take(&mut self, target: &Target, entry: &Entry) -> Option<News> {
        let event = &entry.event;
        if !wants(target, event) {
            return None;
        }
        let subject = Subject::of(event);
        let Some((subject, state)) = subject.zip(event.state()) else {
            return Some(News {
                subject: None,
                from: None,
            });
        };
        let known = self.known.insert(subject.clone(), state.to_owned());
        let from = event.field_of("from").map(str::to_owned).or(known);
        if is_no_news(&subject, from.as_deref(), state) {
            return None;
        }
        Some(News {
            subject: Some(subject),
            from,
        })
    }
}

/// Every server is found to be up when lvx starts, and a check may have other news of one that
/// stays as it is.
fn is_no_news(subject: &Subject, from: Option<&str>, state: &str) -> bool {
    let is_same = from == Some(state);
    let is_first = state == "up" && matches!(from, None | Some("checking"));
    subject.kind == "server" && (is_same || is_first)
}

fn wants(target: &Target, event: &Event) -> bool {
    // It would be told of its own failures for as long as it fails.
    if event.field_of(TARGET) == Some(&target.name) {
        return false;
    }
    let kind = event.kind.name();
    let topic = KINDS.iter().find(|(name, _)| *name == kind);
    let topic = topic.map(|(_, topic)| topic);
    let named = topic.is_some_and(|topic| target.topics.contains(topic));
    let among = |wanted: &Option<Vec<String>>, name: &Option<String>| match (wanted, name) {
        (Some(wanted), Some(name)) => wanted.contains(name),
        (Some(_), None) | (None, _) => true,
    };
    (named || target.topics.contains(&Topic::All))
        && among(&target.services, &event.service)
        && among(&target.instances, &event.instance)
}
