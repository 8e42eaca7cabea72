//! Log lines of the daemon.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::control::Control;
use crate::control::history::{Change, Transition, span};
use crate::control::orders::Hold;
use crate::dataplane::xdp::{Attached, Outcome};
use crate::events::{Event, Kind, Level};
use crate::health::{Subject, Verdict};
use crate::vrrp;

pub(super) fn attached(interface: &str, attached: &Attached) {
    let mode = attached.mode.name();
    tracing::info!(interface, mode, "XDP program attached");
    if let Some(refused) = &attached.refused {
        tracing::warn!(interface, %refused, "a better mode was refused");
    }
    let refused = attached.refused.as_deref().unwrap_or_default();
    for finding in &attached.findings {
        // A refusal has said it already.
        if !refused.contains(finding) {
            tracing::warn!(interface, "{finding}");
        }
    }
}

pub(super) fn outcome(outcome: Outcome) {
    match outcome {
        Outcome::Unchanged => tracing::trace!("the kernel holds the forwarding table already"),
        Outcome::Written { tables, after } => {
            tracing::debug!(tables, ?after, "forwarding table written");
        }
    }
}

pub(super) fn started(config: &Path) -> Event {
    let (version, config) = (env!("CARGO_PKG_VERSION"), config.display());
    Event::new(Kind::Daemon, format!("lvx {version} started with {config}"))
}

pub(super) fn stopped() -> Event {
    Event::new(Kind::Daemon, "lvx stopped: this director serves no more")
}

/// `control` has not been told of it yet.
pub(super) fn protocol(event: &vrrp::Event, control: &Control) -> Event {
    let told = Event::from(event);
    let before = event.instance().and_then(|name| control.instance(name));
    match (event, before) {
        (vrrp::Event::State { .. }, Some(instance)) => told.field("from", instance.state),
        _ => told,
    }
}

/// What became of real servers: a verdict and what follows from it are one event.
pub(super) fn servers(
    verdicts: &[Verdict],
    changes: Vec<Change>,
    control: &Control,
    in_kernel: Instant,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut latest: BTreeMap<Subject, Transition> = BTreeMap::new();
    for Change {
        subject,
        transition: one,
    } in changes
    {
        // The kernel did not take the change when it was that.
        if let Some(before) = latest.insert(subject.clone(), one) {
            events.push(transition(&subject, &before));
        }
    }
    let of_verdicts = events.len();
    // Of several verdicts about a server the last one explains what it is now.
    events.extend(verdicts.iter().rev().map(|one| {
        let order = control.orders().get(&one.subject);
        let disabled = order.is_some_and(|order| matches!(order.hold, Some(Hold::Disabled { .. })));
        verdict(one, latest.remove(&one.subject), disabled, in_kernel)
    }));
    events[of_verdicts..].reverse();
    events.extend(latest.iter().map(|(subject, one)| transition(subject, one)));
    events
}

fn verdict(
    verdict: &Verdict,
    change: Option<Transition>,
    disabled: bool,
    in_kernel: Instant,
) -> Event {
    let service = &verdict.subject.service;
    let real_server = verdict.subject.real_server;
    let decided = time_of_day(verdict.at);
    let applied = time_of_day(in_kernel);
    let after = in_kernel.saturating_duration_since(verdict.at);
    let (state, level) = match verdict.outcome {
        Ok(()) => ("up", Level::Info),
        Err(_) => ("down", Level::Warn),
    };
    let why = match &verdict.outcome {
        Ok(()) if !verdict.changed => {
            let weight = verdict.weight.map(|weight| weight.to_string());
            let weight = weight.unwrap_or_else(|| "as configured".to_owned());
            format!(" as before: its check has news (weight {weight})")
        }
        Ok(()) => String::new(),
        Err(reason) => format!(": {reason}"),
    };
    let (lasted, rest) = match &change {
        Some(change) if change.to == state => (lasted(change), String::new()),
        Some(change) => (String::new(), format!("; it is {}", became(change))),
        None if disabled => (String::new(), "; it stays disabled by hand".to_owned()),
        None => (String::new(), String::new()),
    };
    let text = format!(
        "real server {real_server} of {service} is {state}{lasted}{why}{rest} (decided={decided} \
         applied={applied} after={after:?})"
    );
    let event = Event::new(Kind::Server, text)
        .level(level)
        .server(service, real_server)
        .field("state", state)
        .field(
            "reason",
            verdict.outcome.as_ref().err().map_or("", |reason| reason),
        )
        .field("decided", decided)
        .field("applied", applied);
    match change {
        Some(change) => parts(event, &change),
        None => event,
    }
}

/// A change of a state that no verdict explains.
fn transition(subject: &Subject, transition: &Transition) -> Event {
    let (service, real_server) = (&subject.service, subject.real_server);
    let became = became(transition);
    let text = format!("real server {real_server} of {service} is {became}");
    let level = match transition.to {
        "down" | "kept" | "quiesced" | "no-mac" | "unreachable" => Level::Warn,
        _ => Level::Info,
    };
    let event = Event::new(Kind::Server, text).level(level);
    let event = event.server(service, real_server);
    let event = event.field("state", transition.to);
    parts(event.field("reason", &transition.cause), transition)
}

fn became(transition: &Transition) -> String {
    let Transition { to, cause, .. } = transition;
    format!("{to}{}: {cause}", lasted(transition))
}

fn lasted(transition: &Transition) -> String {
    format!(" after {} {}", span(transition.lasted), transition.from)
}

fn parts(event: Event, transition: &Transition) -> Event {
    event
        .field("from", transition.from)
        .field("to", transition.to)
        .field("lasted_ms", transition.lasted.as_millis())
}

/// The UTC time of day of a moment in the recent past, to the microsecond: `13:05:09.000123`.
fn time_of_day(at: Instant) -> String {
    let then = SystemTime::now() - at.elapsed();
    let since = then.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs() % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "{hour:02}:{minute:02}:{second:02}.{:06}",
        since.subsec_micros()
    )
}

#[cfg(test)]
mod tests;
