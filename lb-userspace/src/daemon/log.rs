//! Log lines of the daemon.

use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::control::Control;
use crate::dataplane::xdp::{Attached, Outcome};
use crate::events::{Event, Kind, Level};
use crate::health::Verdict;
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

pub(super) fn verdict(verdict: &Verdict, in_kernel: Instant) -> Event {
    let service = &verdict.subject.service;
    let real_server = verdict.subject.real_server;
    let decided = time_of_day(verdict.at);
    let applied = time_of_day(in_kernel);
    let after = in_kernel.saturating_duration_since(verdict.at);
    let (state, why, level) = match &verdict.outcome {
        Ok(()) if !verdict.changed => {
            let weight = verdict.weight.map(|weight| weight.to_string());
            let weight = weight.unwrap_or_else(|| "as configured".to_owned());
            let why = format!(" as before: its check has news (weight {weight})");
            ("up", why, Level::Info)
        }
        Ok(()) => ("up", String::new(), Level::Info),
        Err(reason) => ("down", format!(": {reason}"), Level::Warn),
    };
    let text = format!(
        "real server {real_server} of {service} is {state}{why} (decided={decided} \
         applied={applied} after={after:?})"
    );
    Event::new(Kind::Server, text)
        .level(level)
        .server(service, real_server)
        .field("state", state)
        .field(
            "reason",
            verdict.outcome.as_ref().err().map_or("", |reason| reason),
        )
        .field("decided", decided)
        .field("applied", applied)
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
