//! `lvx events`: what happened, and what happens.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::api::shape::{Answer, Event, Events, Request};

use super::end::{End, ask, exit, misunderstood, unwritable};
use super::time;

/// Between two looks for news.
const PAUSE: Duration = Duration::from_millis(100);
/// Events from before that `--follow` begins with.
const BEFORE: usize = 10;

#[derive(Args)]
pub(super) struct Wanted {
    /// Go on with what happens, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// The latest N events; by default all that the daemon remembers, 10 with --follow
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<usize>,
    /// Print each event as a line of JSON, in the documented shape
    #[arg(long)]
    json: bool,
}

pub(super) fn run(socket: &Path, wanted: &Wanted) -> ExitCode {
    exit(socket, show(socket, wanted))
}

fn show(socket: &Path, wanted: &Wanted) -> Result<(), End> {
    let before = wanted.follow.then_some(BEFORE);
    let mut seen = events(socket, None, wanted.count.or(before))?;
    write(&seen, wanted.json)?;
    if !wanted.follow {
        return Ok(());
    }
    loop {
        std::thread::sleep(PAUSE);
        let mut news = events(socket, Some(seen.last), None)?;
        if news.started != seen.started {
            say("the daemon was started anew");
            news = events(socket, Some(0), None)?;
        }
        write(&news, wanted.json)?;
        seen = news;
    }
}

fn events(socket: &Path, after: Option<u64>, count: Option<usize>) -> Result<Events, End> {
    let Answer::Events(events) = ask(socket, &Request::Events { after, count })? else {
        return Err(misunderstood());
    };
    Ok(events)
}

fn write(events: &Events, json: bool) -> Result<(), End> {
    if events.missed > 0 {
        say(&format!("{} events were missed", events.missed));
    }
    let mut out = io::stdout().lock();
    for event in &events.events {
        let text = if json {
            serde_json::to_string(event).map_err(|error| End::Failed(error.to_string()))?
        } else {
            line(event)
        };
        writeln!(out, "{text}").map_err(unwritable)?;
    }
    out.flush().map_err(unwritable)
}

fn line(event: &Event) -> String {
    let at = time::with_date(event.at);
    format!("{at} {:<5} {:<14} {}", event.level, event.kind, event.text)
}

fn say(text: &str) {
    // Nothing is left to be done if stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_line_has_time_level_kind_and_text() {
        let event = Event {
            sequence: 7,
            at: 1_700_000_000_123,
            kind: "state".to_owned(),
            level: "info".to_owned(),
            instance: Some("VI".to_owned()),
            service: None,
            server: None,
            text: "VI is MASTER: no master was heard".to_owned(),
            fields: BTreeMap::new(),
        };
        let line = line(&event);
        let expected = ".123 info  state          VI is MASTER: no master was heard";
        assert!(line.ends_with(expected), "{line}");
    }
}
