//! What the parts of the daemon report, as events.

use crate::vrrp;

use super::{Event, Kind};

impl From<&vrrp::Event> for Event {
    fn from(event: &vrrp::Event) -> Self {
        let about = match event {
            vrrp::Event::State {
                instance,
                state,
                priority,
                cause,
                ..
            } => Self::new(Kind::State, format!("{instance} is {state}: {cause}"))
                .field("state", state)
                .field("priority", priority)
                .field("cause", cause),
            vrrp::Event::LeaderHeard {
                instance,
                source,
                priority,
                ..
            } => Self::new(
                Kind::Leader,
                format!("{source} leads {instance} with priority {priority}"),
            )
            .field("source", source)
            .field("priority", priority),
            vrrp::Event::Rival {
                instance,
                own,
                source,
                priority,
                ..
            } => Self::new(
                Kind::Rival,
                format!(
                    "two masters of {instance}: {source} advertises with priority {priority}, and \
                     so do we, {own}"
                ),
            )
            .field("own", own)
            .field("source", source)
            .field("priority", priority),
            vrrp::Event::RivalGone {
                instance,
                source,
                lasted,
                ..
            } => Self::new(
                Kind::RivalGone,
                format!("{source} is no second master of {instance} any more, after {lasted:.1?}"),
            )
            .field("source", source)
            .field("lasted_ms", lasted.as_millis()),
            vrrp::Event::Duplicate {
                instance,
                address,
                mac,
                ..
            } => Self::new(
                Kind::Duplicate,
                format!("{mac} answers for {address} of {instance}, of which we are MASTER"),
            )
            .field("address", address)
            .field("mac", mac),
            vrrp::Event::DuplicateGone {
                instance,
                address,
                mac,
                lasted,
                ..
            } => Self::new(
                Kind::DuplicateGone,
                format!(
                    "{mac} does not answer for {address} of {instance} any more, after {lasted:.1?}"
                ),
            )
            .field("address", address)
            .field("mac", mac)
            .field("lasted_ms", lasted.as_millis()),
            vrrp::Event::Overslept { by, .. } => Self::new(
                Kind::Overslept,
                format!(
                    "VRRP was scheduled {by:.1?} too late: it listens again before any takeover"
                ),
            )
            .field("by_ms", by.as_millis()),
            vrrp::Event::Failed { instance, error } => Self::new(
                Kind::Failure,
                format!("{instance} cannot take part: {error}"),
            )
            .field("error", error),
        };
        match event.instance() {
            Some(instance) => about.instance(instance),
            None => about,
        }
    }
}
