//! What followed from verdicts, told.

use crate::config;
use crate::control::policy::{News, What};
use crate::events::{Event, Kind, Level};
use crate::notify::QuorumChange;

use super::Daemon;

impl Daemon {
    /// Tells what is new about services, and runs their scripts.
    pub(super) fn tell_news(&mut self) {
        for news in self.control.take_news() {
            let config = self.control.config();
            let mut services = config.services.iter();
            let service = services.find(|service| service.name == news.service);
            let change = service.and_then(|service| change(service, &news.what));
            if let Some(mut change) = change {
                change.router_id.clone_from(&config.global.router_id);
                self.notify.quorum(change);
            }
            self.journal.tell(event(&news));
        }
    }
}

fn change(service: &config::Service, what: &What) -> Option<QuorumChange> {
    let What::Quorum {
        has, count, needed, ..
    } = *what
    else {
        return None;
    };
    let quorum = service.policy.quorum.as_ref()?;
    let script = if has { &quorum.up } else { &quorum.down };
    Some(QuorumChange {
        service: service.name.to_string(),
        has,
        healthy: count.healthy,
        needed,
        script: script.clone(),
        router_id: String::new(),
    })
}

fn event(news: &News) -> Event {
    let service = &news.service;
    let about = |kind, level, text| Event::new(kind, text).level(level).service(service);
    let of_server = |server, level, text, state| {
        let event = Event::new(Kind::Server, text).level(level);
        event.server(service, server).field("state", state)
    };
    match &news.what {
        What::Quorum {
            has,
            count,
            needed,
            regain,
        } => {
            let (healthy, total) = (count.healthy, count.total);
            let (level, state, words) = if *has {
                (Level::Info, "up", "has its quorum".to_owned())
            } else {
                let words = format!("has LOST ITS QUORUM, and regains it with {regain}");
                (Level::Error, "down", words)
            };
            let text = format!(
                "service {service} {words}: {healthy} of {total} real servers are healthy, \
                 {needed} are needed"
            );
            about(Kind::Quorum, level, text)
                .field("state", state)
                .field("healthy", healthy)
                .field("needed", needed)
                .field("total", total)
        }
        What::Panic { on, count, percent } => {
            let (healthy, total) = (count.healthy, count.total);
            let percent = percent.map_or_else(String::new, |percent| {
                format!(" (panic_threshold = {percent}%)")
            });
            let (level, state, words) = if *on {
                let words = "PANICS: all its real servers are used, whatever their checks say";
                (Level::Error, "begins", words)
            } else {
                let words = "panics no more: its checks decide again";
                (Level::Info, "ends", words)
            };
            let text =
                format!("service {service} {words}; {healthy} of {total} are healthy{percent}");
            about(Kind::Panic, level, text)
                .field("state", state)
                .field("healthy", healthy)
                .field("total", total)
        }
        What::Fallback { server, used } => {
            let (level, state, words) = if *used {
                (
                    Level::Error,
                    "used",
                    "no real server takes clients: they go to",
                )
            } else {
                (
                    Level::Info,
                    "not-used",
                    "real servers take clients again, instead of",
                )
            };
            let text = format!("service {service}: {words} the fallback {server}");
            about(Kind::Fallback, level, text)
                .server(service, *server)
                .field("state", state)
        }
        What::Damped { server, damping } => {
            let (within, hold) = (damping.within, damping.hold);
            let (within, hold) = (config::show_duration(within), config::show_duration(hold));
            let text = format!(
                "real server {server} of {service} changed {} times within {within}: it is down \
                 until it has been healthy for {hold} without a break",
                damping.changes
            );
            of_server(*server, Level::Warn, text, "damped")
        }
        What::Calm { server } => {
            let text = format!(
                "real server {server} of {service} has calmed down: its check decides again"
            );
            of_server(*server, Level::Info, text, "calm")
        }
    }
}
