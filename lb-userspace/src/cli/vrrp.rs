//! `lvx vrrp`: instances in detail, and who leads.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;

use crate::api::shape::{Answer, Event, Request, Resigning, Vrrp};

use super::end::{End, ask, exit, misunderstood};
use super::text::counts;
use super::{Daemon, print, time};

/// Between two looks for who leads.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Show VRRP instances in detail
    Status {
        /// Name of the instance; by default all
        name: Option<String>,
        /// Print the documented JSON shape: `vrrp` of `lvx status --json`
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Give way to another director and wait until it leads; without one, this one stays MASTER
    Resign {
        /// Name of the instance; its sync group goes with it
        name: String,
        #[command(flatten)]
        daemon: Daemon,
    },
    /// Take part with its priority again after `resign`
    Claim {
        /// Name of the instance
        name: String,
        #[command(flatten)]
        daemon: Daemon,
    },
}

pub(super) fn run(verb: Verb) -> ExitCode {
    match verb {
        Verb::Status { name, json, daemon } => tell(&daemon.socket, |socket| {
            status(socket, name.as_deref(), json)
        }),
        Verb::Resign { name, daemon } => tell(&daemon.socket, |socket| resign(socket, &name)),
        Verb::Claim { name, daemon } => tell(&daemon.socket, |socket| claim(socket, &name)),
    }
}

fn tell(socket: &Path, command: impl FnOnce(&Path) -> Result<String, End>) -> ExitCode {
    match command(socket) {
        Ok(text) => print(&text),
        Err(end) => exit(socket, Err(end)),
    }
}

fn status(socket: &Path, name: Option<&str>, json: bool) -> Result<String, End> {
    let Answer::Status(status) = ask(socket, &Request::Status)? else {
        return Err(misunderstood());
    };
    let names: Vec<String> = status.vrrp.iter().map(|one| one.name.clone()).collect();
    let mut instances = status.vrrp;
    instances.retain(|one| name.is_none_or(|name| one.name == name));
    if let (Some(name), true) = (name, instances.is_empty()) {
        return Err(End::Failed(format!(
            "no VRRP instance is called {name:?}; there are: {}",
            names.join(", ")
        )));
    }
    if json {
        let text = serde_json::to_string_pretty(&instances);
        return text.map_err(|error| End::Failed(error.to_string()));
    }
    let texts: Vec<String> = instances.iter().map(describe).collect();
    Ok(texts.join("\n\n"))
}

fn claim(socket: &Path, name: &str) -> Result<String, End> {
    let instance = name.to_owned();
    let Answer::Claimed = ask(socket, &Request::Claim { instance })? else {
        return Err(misunderstood());
    };
    Ok(format!("{name} takes part with its priority again"))
}

fn resign(socket: &Path, name: &str) -> Result<String, End> {
    let instance = name.to_owned();
    let Answer::Resigning(Resigning { mut after, within }) =
        ask(socket, &Request::Resign { instance })?
    else {
        return Err(misunderstood());
    };
    let deadline = Instant::now() + Duration::from_millis(within);
    let mut gave_way = false;
    loop {
        let news = Request::Events {
            after: Some(after),
            count: None,
        };
        let Answer::Events(news) = ask(socket, &news)? else {
            return Err(misunderstood());
        };
        after = news.last;
        for event in news.events {
            if let Some(outcome) = outcome(&event, name, &mut gave_way) {
                return outcome.map_err(End::Failed);
            }
        }
        if Instant::now() >= deadline {
            return Err(End::Failed(format!(
                "{name} gave way, and nobody is known to lead: see `lvx vrrp status {name}`"
            )));
        }
        std::thread::sleep(PAUSE);
    }
}

/// What an event means for a resignation; `None`: it is not decided by it.
fn outcome(event: &Event, name: &str, gave_way: &mut bool) -> Option<Result<String, String>> {
    if event.instance.as_deref() != Some(name) {
        return None;
    }
    match event.kind.as_str() {
        "leader" if *gave_way => Some(Ok(event.text.clone())),
        "state" => match event.fields.get("state").map(String::as_str) {
            Some("BACKUP") => {
                *gave_way = true;
                None
            }
            Some("MASTER") => Some(Err(format!(
                "nobody took over: {name} is MASTER here again"
            ))),
            _ => Some(Err(event.text.clone())),
        },
        _ => None,
    }
}

fn describe(vrrp: &Vrrp) -> String {
    let mut out = format!("{} {}: {}", vrrp.name, vrrp.state, vrrp.reason);
    let mut line = |text: String| {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n  {text}");
    };
    line(format!("since {}", moment(vrrp.since)));
    let (priority, effective) = (vrrp.priority, vrrp.effective_priority);
    let change = i16::from(effective) - i16::from(priority);
    line(match change {
        0 => format!("priority {priority}"),
        change => format!("priority {effective} ({priority} {change:+} by tracking)"),
    });
    line(format!(
        "{} on {}",
        vrrp.addresses.join(", "),
        vrrp.interface
    ));
    match (&vrrp.leader, vrrp.state.as_str()) {
        (_, "MASTER") => line("this director leads".to_owned()),
        (Some(leader), _) => line(format!(
            "{} leads with priority {}",
            leader.address, leader.priority
        )),
        (None, _) => line("nobody is known to lead".to_owned()),
    }
    if vrrp.resigned {
        line(format!(
            "gave way by hand: `lvx vrrp claim {}` ends that",
            vrrp.name
        ));
    }
    if let Some(group) = &vrrp.sync_group {
        line(format!("in sync group {group}"));
    }
    for tracked in &vrrp.tracking {
        let effect = match (tracked.fault, tracked.adjustment) {
            (true, _) => " (fault)".to_owned(),
            (false, 0) => String::new(),
            (false, adjustment) => format!(" ({adjustment:+})"),
        };
        line(format!("tracks {}{effect}", tracked.text));
    }
    for rival in &vrrp.rivals {
        let (address, priority) = (rival.address, rival.priority);
        let since = moment(rival.since);
        line(format!(
            "TWO MASTERS: {address} advertises with priority {priority}, since {since}"
        ));
    }
    for duplicate in &vrrp.duplicates {
        let (mac, address) = (&duplicate.mac, duplicate.address);
        let since = moment(duplicate.since);
        line(format!(
            "DUPLICATE ADDRESS: {mac} answers for {address}, since {since}"
        ));
    }
    line(format!("counters: {}", counts(&vrrp.counters)));
    line(format!("not accepted: {}", counts(&vrrp.errors)));
    out
}

fn moment(seconds: u64) -> String {
    let text = time::with_date(seconds * 1000);
    // There is no fraction to be shown.
    text.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
