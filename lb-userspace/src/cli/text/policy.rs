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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(more: &serde_json::Value) -> String {
        let mut service = json!({
            "name": "web", "address": "192.0.2.10:80", "protocol": "tcp", "scheduler": "mh",
            "vrrp": "VI", "active": true, "plane": "xdp", "plane_reason": "", "packets": 0,
            "bytes": 0, "connections": 0, "slots": null, "real_servers": []
        });
        for (key, value) in more.as_object().unwrap() {
            service[key] = value.clone();
        }
        let mut out = String::new();
        policy(&mut out, &serde_json::from_value(service).unwrap());
        out
    }

    #[test]
    fn what_needs_words_has_them() {
        let quorum = |state: &str| json!({ "quorum": { "needed": 2, "state": state } });
        let fallback = |used: bool| {
            json!({ "fallback": {
                "address": "192.0.2.99", "used": used, "state": "up", "reason": null,
                "mac": null, "packets": 0, "bytes": 0, "connections": 0
            } })
        };
        for (more, expected) in [
            (json!({}), ""),
            (quorum("up"), "  quorum: 0 of 0 are healthy, 2 are needed\n"),
            (
                quorum("down"),
                "  QUORUM LOST: 0 of 0 are healthy, 2 are needed\n",
            ),
            (
                quorum("unknown"),
                "  quorum not known yet: 0 of 0 are healthy, 2 are needed\n",
            ),
            (
                json!({ "panic": true }),
                "  PANIC: 0 of 0 are healthy, so all are used\n",
            ),
            (fallback(true), "  fallback 192.0.2.99 up, IN USE\n"),
            (fallback(false), "  fallback 192.0.2.99 up, not used\n"),
        ] {
            assert_eq!(shown(&more), expected);
        }
    }
}
