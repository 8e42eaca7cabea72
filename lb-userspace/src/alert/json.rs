//! A message for programs: the body of a webhook, and what a command reads. PURE.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use super::digest::Item;
use super::message::{Context, Message};
use super::time::milliseconds;

/// Fields are added within a version, never changed.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Body<'a> {
    version: u32,
    id: &'a str,
    router_id: &'a str,
    target: &'a str,
    started: u64,
    at: u64,
    level: &'static str,
    text: String,
    /// All events that it stands for.
    count: u64,
    events: Vec<Event<'a>>,
    /// Events that are not in `events`, by kind.
    more: &'a BTreeMap<&'static str, u64>,
    dropped: u64,
}

#[derive(Serialize)]
struct Event<'a> {
    id: u64,
    kind: &'static str,
    level: &'static str,
    at: u64,
    text: String,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    states: &'a [String],
    fields: BTreeMap<&'static str, &'a str>,
}

impl<'a> Event<'a> {
    fn of(item: &'a Item) -> Self {
        let event = &item.entry.event;
        let fields = event.fields.iter();
        Self {
            id: item.entry.sequence,
            kind: event.kind.name(),
            level: event.level.name(),
            at: milliseconds(item.entry.at),
            text: item.text(),
            count: item.count,
            instance: event.instance.as_deref(),
            service: event.service.as_deref(),
            server: event.server,
            from: item.from.as_deref(),
            to: event.state(),
            // One is `to`.
            states: if item.count > 1 { &item.states } else { &[] },
            fields: fields
                .map(|(name, value)| (*name, value.as_str()))
                .collect(),
        }
    }
}

pub(super) fn body(message: &Message, context: &Context) -> Result<Vec<u8>, String> {
    let body = Body {
        version: VERSION,
        id: &message.id,
        router_id: &context.router_id,
        target: &context.target,
        started: milliseconds(context.started),
        at: milliseconds(message.at),
        level: message.level().name(),
        text: message.text(),
        count: message.digest.events(),
        events: message.digest.items.iter().map(Event::of).collect(),
        more: &message.digest.more,
        dropped: message.dropped,
    };
    serde_json::to_vec(&body).map_err(|error| format!("cannot be written as JSON: {error}"))
}
