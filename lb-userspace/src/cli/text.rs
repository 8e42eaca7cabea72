//! Answers for people. The JSON shapes are for programs.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::api::shape::{
    Count, Dataplane, Notify, NotifyTarget, Reloaded, Service, Status, Unanswered, Where,
};

mod policy;

use policy::policy;

pub(super) fn status(status: &Status) -> String {
    let mut out = format!("lvx {} on {}\n", status.version, status.router_id);
    let config = &status.config;
    line(&mut out, 0, &format!("config {}", config.path));
    if let Some(error) = &config.error {
        line(
            &mut out,
            1,
            "LAST RELOAD REFUSED, the configuration before it is in force:",
        );
        error.lines().for_each(|text| line(&mut out, 2, text));
    }
    notify(&mut out, &status.notify);
    dataplane(&mut out, &status.dataplane);
    let protocol = &status.protocol;
    line(
        &mut out,
        0,
        &format!(
            "\nprotocol thread: real time {}, memory {}, latest timer {} µs late",
            protocol.scheduler, protocol.memory, protocol.worst_lateness
        ),
    );
    let checks = &status.checks;
    line(
        &mut out,
        0,
        &format!(
            "checks: {}, {} of at most {} probes under way, latest probe {} µs late, 99 % at most {} µs",
            checks.count,
            checks.running,
            checks.limit,
            checks.worst_lateness,
            checks.usual_lateness
        ),
    );
    for vrrp in &status.vrrp {
        line(
            &mut out,
            0,
            &format!("\nvrrp {} {}: {}", vrrp.name, vrrp.state, vrrp.reason),
        );
        let addresses = vrrp.addresses.join(", ");
        line(
            &mut out,
            1,
            &format!(
                "priority {} on {}, {addresses}",
                vrrp.priority, vrrp.interface
            ),
        );
        line(
            &mut out,
            1,
            &format!(
                "advertisements: {} sent, {} received; not accepted: {}",
                vrrp.adverts_sent,
                vrrp.adverts_received,
                counts(&vrrp.errors)
            ),
        );
    }
    status
        .services
        .iter()
        .for_each(|one| service(&mut out, one));
    out.trim_end().to_owned()
}

/// Only of targets that are in trouble.
fn notify(out: &mut String, notify: &Notify) {
    for target in &notify.targets {
        let NotifyTarget {
            name,
            queued,
            failed,
            dropped,
            ..
        } = target;
        let counts = format!("{queued} messages wait, {failed} failed, {dropped} dropped");
        if let Some(error) = &target.last_error {
            line(out, 0, &format!("notify {name} IS NOT TOLD: {counts}"));
            line(out, 1, error);
        } else if failed + dropped > 0 {
            line(out, 0, &format!("notify {name}: {counts}"));
        }
        for warning in &target.warnings {
            line(out, 0, &format!("WARNING: notify {name} {warning}"));
        }
    }
}

fn dataplane(out: &mut String, plane: &Dataplane) {
    line(out, 0, &format!("\ndataplane {}", plane.mode));
    if !plane.reason.is_empty() {
        line(out, 1, &format!("not a better one: {}", plane.reason));
    }
    match (&plane.ipvs.reason, plane.ipvs.standby) {
        (Some(reason), _) => line(out, 1, &format!("no IPVS: {reason}")),
        (None, true) => line(out, 1, "IPVS stands by for what XDP passes"),
        (None, false) => {}
    }
    for nic in &plane.interfaces {
        let mac = nic.mac.as_deref().unwrap_or("no MAC");
        line(out, 1, &format!("{} {mac} {}", nic.name, nic.mode));
    }
    line(
        out,
        1,
        &format!("left to the kernel: {}", counts(&plane.passed)),
    );
    if plane.notes.iter().any(|note| note.packets > 0) {
        line(out, 1, &format!("no room: {}", counts(&plane.notes)));
    }
    if !plane.records.is_empty() {
        let maps = plane.records.iter();
        let maps = maps.map(|one| format!("{} {} of {}", one.map, one.used, one.room));
        let maps: Vec<String> = maps.collect();
        let memory = plane.memory.div_ceil(1 << 20);
        line(
            out,
            1,
            &format!("records: {}; all maps: {memory} MiB", maps.join(", ")),
        );
    }
    if let Some(event) = plane.events.last() {
        let times = format!("{} switches, {} repairs", plane.switches, plane.repairs);
        line(out, 1, &format!("{times}; last: {}", event.text));
    }
}

fn service(out: &mut String, service: &Service) {
    let state = if service.active { "active" } else { "passive" };
    line(
        out,
        0,
        &format!(
            "\nservice {} {}/{} {} {state} on {}",
            service.name, service.address, service.protocol, service.scheduler, service.plane
        ),
    );
    if !service.plane_reason.is_empty() {
        line(out, 1, &service.plane_reason);
    }
    for warning in &service.warnings {
        line(out, 1, &format!("WARNING: {warning}"));
    }
    policy(out, service);
    if let Some(slots) = service.slots
        && slots.settling + slots.exceptional > 0
    {
        line(
            out,
            1,
            &format!(
                "slots: {} stable, {} settling, {} exceptional",
                slots.stable, slots.settling, slots.exceptional
            ),
        );
    }
    line(
        out,
        1,
        &format!(
            "{:<16} {:>6} {:<11} {:<17} {:>12} {:>15} {:>12}",
            "real server", "weight", "state", "mac", "packets", "bytes", "connections"
        ),
    );
    for server in &service.real_servers {
        line(
            out,
            1,
            &format!(
                "{:<16} {:>6} {:<11} {:<17} {:>12} {:>15} {:>12}",
                server.address.to_string(),
                server.weight,
                server.state,
                server.mac.as_deref().unwrap_or("-"),
                server.packets,
                server.bytes,
                server.connections
            ),
        );
        if let Some(reason) = &server.reason {
            line(out, 2, reason);
        }
        let usual = server.weight.saturating_mul(service.weight_factor);
        if let Some(weight) = server
            .effective_weight
            .filter(|weight| *weight != usual && service.weight_factor == 1)
        {
            let why = match server.weight_by_hand {
                Some(by_hand) if by_hand == weight => ", by hand",
                Some(_) | None => "",
            };
            line(out, 2, &format!("its weight counts as {weight} now{why}"));
        }
        for warning in &server.warnings {
            line(out, 2, &format!("WARNING: {warning}"));
        }
        if let Some(samples) = server.unanswered.filter(|one| one.unanswered > 0) {
            let Unanswered {
                sampled,
                unanswered,
                share,
            } = samples;
            let words = format!(
                "{unanswered} of {sampled} sampled SYNs of the last 10 s were not answered \
                 ({share} %)"
            );
            line(out, 2, &words);
        }
        if let Some(remaining) = server.remaining {
            line(out, 2, &format!("{remaining} connections remain"));
        }
    }
}

pub(super) fn counts(counts: &[Count]) -> String {
    let some: Vec<String> = counts
        .iter()
        .filter(|count| count.packets > 0)
        .map(|count| format!("{} {}", count.packets, count.name))
        .collect();
    if some.is_empty() {
        return "none".to_owned();
    }
    some.join(", ")
}

/// An empty line before the text stands before its indentation.
fn line(out: &mut String, indent: usize, text: &str) {
    let (lead, text) = text
        .strip_prefix('\n')
        .map_or(("", text), |rest| ("\n", rest));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{lead}{:1$}{text}", "", indent * 2);
}

pub(super) fn found(found: &Where) -> String {
    let client = match found.port {
        Some(port) => SocketAddr::new(found.client, port).to_string(),
        None => found.client.to_string(),
    };
    let sent = match found.real_server {
        Some(server) => format!("sent to {server}"),
        None => "sent nowhere".to_owned(),
    };
    let Where {
        service,
        slot,
        state,
        why,
        ..
    } = found;
    let slot = match state.as_str() {
        "flow" => String::new(),
        state => format!("in slot {slot} ({state}), "),
    };
    format!("{service}: {client} is {slot}{sent}: {why}")
}

pub(super) const fn reloaded(reloaded: Reloaded) -> &'static str {
    if reloaded.changed {
        "reloaded"
    } else {
        "reloaded: the configuration is the same as before"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_tells_slot_server_and_reason() {
        let mut answer = Where {
            service: "web".to_owned(),
            client: "198.51.100.7".parse().unwrap(),
            port: None,
            slot: 12,
            state: "stable".to_owned(),
            previous: None,
            record: None,
            why: "the table decides".to_owned(),
            real_server: Some("192.0.2.21".parse().unwrap()),
        };
        assert_eq!(
            found(&answer),
            "web: 198.51.100.7 is in slot 12 (stable), sent to 192.0.2.21: the table decides"
        );
        answer.port = Some(40_000);
        answer.state = "flow".to_owned();
        answer.real_server = None;
        assert_eq!(
            found(&answer),
            "web: 198.51.100.7:40000 is sent nowhere: the table decides"
        );
    }
}
