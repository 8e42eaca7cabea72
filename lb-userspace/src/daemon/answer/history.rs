//! `lvx status --history`.

use std::net::IpAddr;

use crate::api::shape::{History, Transition};
use crate::control::history::Change;

use super::Daemon;
use super::events::milliseconds;

/// Of many servers that is more than anybody reads.
const MOST: usize = 1000;

impl Daemon {
    pub(super) fn history(
        &self,
        service: Option<&str>,
        server: Option<IpAddr>,
    ) -> Result<History, String> {
        let changes = self.control.history(service, server);
        let changes = changes.map_err(|error| error.to_string())?;
        let left_out = changes.len().saturating_sub(MOST);
        Ok(History {
            transitions: changes.into_iter().take(MOST).map(shape).collect(),
            left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
        })
    }
}

fn shape(change: Change) -> Transition {
    let (subject, transition) = (change.subject, change.transition);
    Transition {
        at: milliseconds(transition.at),
        service: subject.service.to_string(),
        server: subject.real_server,
        from: transition.from.to_owned(),
        to: transition.to.to_owned(),
        cause: transition.cause.to_string(),
        lasted: u64::try_from(transition.lasted.as_millis()).unwrap_or(u64::MAX),
    }
}
