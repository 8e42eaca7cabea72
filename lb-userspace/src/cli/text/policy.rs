//! What follows from the verdicts on a service's real servers, in `lvx status`.

use crate::api::shape::{Fallback, Service};

use super::line;

/// What follows from its servers' verdicts, where that needs words.
pub(super) fn policy(out: &mut String, service: &Service) {
    let (healthy, all) = (service.healthy, service.real_servers.len());
    if let Some(quorum) = &service.quorum {
        let state = match quorum.state.as_str() {
            "down" => "QUORUM LOST",
            "up" => "quorum",
            _ => "quorum not known yet",
        };
        let needed = quorum.needed;
        let text = format!("{state}: {healthy} of {all} are healthy, {needed} are needed");
        line(out, 1, &text);
    }
    if service.panic {
        let text = format!("PANIC: {healthy} of {all} are healthy, so all are used");
        line(out, 1, &text);
    }
    if let Some(fallback) = &service.fallback {
        let use_of = if fallback.used { "IN USE" } else { "not used" };
        let reason = fallback.reason.as_ref();
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let Fallback { address, state, .. } = fallback;
        line(
            out,
            1,
            &format!("fallback {address} {state}, {use_of}{reason}"),
        );
    }
}
