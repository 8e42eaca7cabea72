//! Log lines of the daemon.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::dataplane::xdp::{Attached, Outcome};
use crate::health::Verdict;
use crate::vrrp::Event;

pub(super) fn vrrp(event: &Event) {
    match event {
        Event::State {
            instance,
            state,
            cause,
            ..
        } => tracing::info!(%instance, %state, %cause, "VRRP state"),
        Event::LeaderHeard {
            instance,
            source,
            priority,
            ..
        } => tracing::info!(%instance, %source, priority, "another director leads"),
        Event::Rival {
            instance,
            own,
            source,
            priority,
            ..
        } => tracing::error!(
            %instance, %own, %source, priority, "two masters: another director advertises, too"
        ),
        Event::RivalGone {
            instance,
            source,
            lasted,
            ..
        } => tracing::info!(%instance, %source, ?lasted, "the second master is gone"),
        Event::Duplicate {
            instance,
            address,
            mac,
            ..
        } => tracing::error!(
            %instance, %address, %mac, "another host answers for a virtual address"
        ),
        Event::DuplicateGone {
            instance,
            address,
            mac,
            lasted,
            ..
        } => tracing::info!(
            %instance, %address, %mac, ?lasted, "the other host with a virtual address is quiet"
        ),
        Event::Overslept { by, .. } => {
            tracing::warn!(
                ?by,
                "VRRP was not scheduled in time: listening before any takeover"
            );
        }
        Event::Failed { instance, error } => {
            tracing::error!(%instance, %error, "VRRP instance cannot take part");
        }
    }
}

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

pub(super) fn verdict(verdict: &Verdict, in_kernel: Instant) {
    let service = &verdict.subject.service;
    let real_server = verdict.subject.real_server;
    let decided = time_of_day(verdict.at);
    let applied = time_of_day(in_kernel);
    let after = in_kernel.saturating_duration_since(verdict.at);
    match &verdict.outcome {
        Ok(()) => tracing::info!(
            %service, %real_server, %decided, %applied, ?after, "real server is up"
        ),
        Err(reason) => tracing::warn!(
            %service, %real_server, %reason, %decided, %applied, ?after, "real server is down"
        ),
    }
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
