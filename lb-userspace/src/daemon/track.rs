//! What is tracked: from those that look to the protocol.

use crate::events::{Event, Kind, Level};
use crate::track::{Report, Seen};
use crate::vrrp::{Command, Standing};

use super::Daemon;

impl Daemon {
    pub(super) fn tracked(&mut self, report: Report) {
        let what = report.what.to_string();
        let (words, level) = match &report.seen {
            Seen::Well => ("is well".to_owned(), Level::Info),
            Seen::NotWell(words) => (words.clone(), Level::Warn),
            Seen::Number(number) => (format!("has {number} in it"), Level::Info),
        };
        if self.control.tracked(report) {
            let event = Event::new(Kind::Track, format!("{what} {words}")).level(level);
            self.journal.tell(event.field("what", what));
        }
    }

    /// Tells the protocol what tracking makes of its instances, where that is news.
    pub(super) fn stand(&mut self) {
        for (instance, standing) in self.control.standings() {
            let name = &instance.name;
            let before = self.standings.insert(name.clone(), standing.clone());
            if before.as_ref() == Some(&standing) {
                continue;
            }
            if before.unwrap_or_default() != standing {
                let priority = self.control.effective_priority(instance);
                let text = describe(name, priority, &standing);
                let event = Event::new(Kind::Track, text).instance(name);
                self.journal.tell(event.field("priority", priority));
            }
            self.vrrp.send(Command::Stand {
                instance: name.clone(),
                standing,
            });
        }
    }
}

fn describe(name: &str, priority: u8, standing: &Standing) -> String {
    match &standing.fault {
        Some(fault) => format!("{name} is not fit: {fault}"),
        None => format!(
            "{name} is fit, with priority {priority} ({:+} by tracking)",
            standing.adjustment
        ),
    }
}
