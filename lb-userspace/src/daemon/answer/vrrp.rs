//! The VRRP instances in `lvx status`.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::api::shape::{Count, Duplicate, Leader, Protocol, Rival, Tracking, Vrrp};
use crate::config;
use crate::control::Instance;
use crate::control::track::{Condition, Look};
use crate::daemon::NO_PLANE;
use crate::vrrp::Statistics;

use super::Daemon;

impl Daemon {
    pub(super) fn vrrp_status(&self) -> Vec<Vrrp> {
        let statistics = self.vrrp.statistics();
        let instances = self.control.config().vrrp.iter();
        let status = |vrrp: &config::Instance| {
            let counts = statistics.iter().find(|s| s.instance == vrrp.name);
            self.instance_status(vrrp, counts)
        };
        instances.map(status).collect()
    }

    fn instance_status(&self, vrrp: &config::Instance, counts: Option<&Statistics>) -> Vrrp {
        let instance = self.control.instance(&vrrp.name);
        let groups = &self.control.config().sync_groups;
        let group = groups.iter().find(|one| one.instances.contains(&vrrp.name));
        let looks = self.control.looks(vrrp);
        Vrrp {
            name: vrrp.name.clone(),
            interface: vrrp.interface.clone(),
            state: instance.map_or_else(String::new, |i| i.state.to_string()),
            reason: self.vrrp_reason(&vrrp.name),
            priority: vrrp.priority.get(),
            addresses: vrrp.addresses.iter().map(ToString::to_string).collect(),
            adverts_sent: counts.map_or(0, |c| c.sent),
            adverts_received: counts.map_or(0, |c| c.received),
            errors: counts.map_or_else(Vec::new, |c| {
                let happened = c.errors.iter().filter(|(_, packets)| *packets > 0);
                happened
                    .map(|(name, packets)| count(name, *packets))
                    .collect()
            }),
            since: instance.map_or(0, |i| seconds(i.since)),
            leader: instance.and_then(|i| i.leader).map(|leader| Leader {
                address: leader.source,
                priority: leader.priority,
            }),
            effective_priority: self.control.effective_priority(vrrp),
            resigned: instance.is_some_and(|i| i.resigned),
            sync_group: group.map(|group| group.name.clone()),
            tracking: looks.iter().map(tracking).collect(),
            rivals: instance.map_or_else(Vec::new, rivals),
            duplicates: instance.map_or_else(Vec::new, duplicates),
            counters: counts.map_or_else(Vec::new, counters),
        }
    }

    fn vrrp_reason(&self, name: &str) -> String {
        if self.unfit.contains(name) {
            return NO_PLANE.to_owned();
        }
        let mut configured = self.control.config().vrrp.iter();
        let closed = configured.any(|vrrp| vrrp.name == name && !vrrp.accept);
        let open = self.accept.error.clone().filter(|_| closed);
        let reason = |instance: &Instance| {
            let failure = instance.failure.clone().or(open);
            failure.unwrap_or_else(|| instance.cause.clone())
        };
        self.control.instance(name).map_or_else(String::new, reason)
    }

    pub(super) fn protocol_status(&self) -> Protocol {
        let realtime = self.vrrp.realtime().clone();
        let off = || "off".to_owned();
        let scheduler = realtime.scheduler.map_or_else(off, |result| {
            result.map_or_else(|error| error, |priority| format!("fifo {priority}"))
        });
        let memory = realtime.memory.map_or_else(off, |result| {
            result.map_or_else(|error| error, |()| "locked".to_owned())
        });
        let lateness = self.vrrp.lateness().as_micros();
        Protocol {
            scheduler,
            memory,
            worst_lateness: u64::try_from(lateness).unwrap_or(u64::MAX),
        }
    }
}

fn tracking(look: &Look<'_>) -> Tracking {
    Tracking {
        what: look.track.what.to_string(),
        state: match &look.condition {
            Condition::Unknown => "unknown".to_owned(),
            Condition::Well => "well".to_owned(),
            Condition::NotWell(_) => "not-well".to_owned(),
            Condition::Number(number) => number.to_string(),
        },
        text: look.sentence(),
        weight: look.track.weight.map(Into::into),
        adjustment: look.adjustment,
        fault: look.fault.is_some(),
    }
}

fn rivals(instance: &Instance) -> Vec<Rival> {
    let rivals = instance.rivals.iter();
    rivals
        .map(|(address, rival)| Rival {
            address: *address,
            priority: rival.priority,
            since: seconds(rival.since),
        })
        .collect()
}

fn duplicates(instance: &Instance) -> Vec<Duplicate> {
    let duplicates = instance.duplicates.iter();
    duplicates
        .map(|((address, mac), since)| Duplicate {
            address: *address,
            mac: mac.to_string(),
            since: seconds(*since),
        })
        .collect()
}

fn counters(counts: &Statistics) -> Vec<Count> {
    let fixed = [
        ("sent", counts.sent),
        ("sent_priority_zero", counts.sent_priority_zero),
        ("send_errors", counts.send_errors),
        ("announced", counts.announced),
        ("became_master", counts.became_master),
        ("rivals", counts.rivals),
        ("duplicates", counts.duplicates),
        ("received", counts.received),
        ("received_priority_zero", counts.received_priority_zero),
        ("received_rfc5798", counts.received_rfc5798),
        ("received_rfc9568", counts.received_rfc9568),
        ("interface_malformed", counts.interface_malformed),
        ("interface_unknown_vrid", counts.interface_unknown_vrid),
    ];
    let warnings = counts.warnings.iter().copied();
    let all = fixed.into_iter().chain(warnings);
    all.map(|(name, packets)| count(name, packets)).collect()
}

fn count(name: &str, packets: u64) -> Count {
    Count {
        name: name.to_owned(),
        packets,
    }
}

/// A moment in the past, in seconds since 1970.
fn seconds(at: Instant) -> u64 {
    let then = SystemTime::now() - at.elapsed();
    then.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
