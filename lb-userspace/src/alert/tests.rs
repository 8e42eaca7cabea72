//! What targets are told, from events to the bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::digest::Digest;
use super::json;
use super::message::{Context, Message, line};
use super::topic::Filter;
use crate::config::{self, Field, Target};
use crate::events::{Entry, Event, Kind, Level};

mod digests;
mod filters;
mod flood;
mod words;

const COMMAND: &str = "[[notify]]\nname = \"t\"\ntype = \"command\"\ncommand = [\"/bin/true\"]\n";
const INSTANCES: &str = r#"
[[vrrp]]
name = "VI"
interface = "eth0"
virtual_router_id = 51
addresses = ["192.0.2.10/24"]
[[service]]
name = "web"
address = "192.0.2.10:80"
"#;

/// A target with more lines.
fn target(lines: &str) -> Target {
    let text = format!("{COMMAND}{lines}\n{INSTANCES}");
    let config = config::parse(std::path::Path::new("test.toml"), &text).unwrap();
    config.targets[0].clone()
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second)
}

fn entry(sequence: u64, event: Event) -> Arc<Entry> {
    Arc::new(Entry {
        sequence,
        at: at(sequence),
        event,
    })
}

fn server(last: u8, state: &str) -> Event {
    let address = IpAddr::from([192, 0, 2, last]);
    let text = format!("real server {address} of web is {state}");
    let event = Event::new(Kind::Server, text).server("web", address);
    event.field("state", state)
}

fn vrrp(state: &str) -> Event {
    let event = Event::new(Kind::State, format!("VI is {state}")).instance("VI");
    event.field("state", state)
}

fn digest(events: impl IntoIterator<Item = Event>) -> Digest {
    let mut filter = Filter::default();
    let mut digest = Digest::default();
    let target = target("events = [\"all\"]");
    for (number, event) in (1..).zip(events) {
        let entry = entry(number, event);
        if let Some(news) = filter.take(&target, &entry) {
            digest.push(entry, news);
        }
    }
    digest
}

fn context() -> Context {
    Context {
        router_id: "lb1".to_owned(),
        target: "ops".to_owned(),
        started: at(0),
    }
}
