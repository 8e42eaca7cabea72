//! `services` of `lvx status`.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use lb_common::layout::Counter;

use crate::api::shape::{Fallback, Quorum, RealServer, Service};
use crate::config;
use crate::control::plane::Plane;
use crate::control::{Member, ServerState};
use crate::dataplane::table::Path;
use crate::dataplane::xdp::ServiceCounters;
use crate::health::Subject;

use super::super::planes::Counts;
use super::Daemon;

impl Daemon {
    pub(super) fn service_status(&self, service: &config::Service, counts: &Counts) -> Service {
        let none = ServiceCounters::default();
        let counters = counts.get(&service.name).unwrap_or(&none);
        let total = counters.total();
        let assignment = self.control.planes().assign(service);
        let members = self.control.members(service);
        let servers = service.real_servers.iter().zip(&members.servers);
        let healthy = members.servers.iter();
        let healthy = healthy.filter(|member| member.state.is_healthy());
        Service {
            name: service.name.to_string(),
            address: service.address,
            protocol: service.protocol.name().to_owned(),
            scheduler: service.scheduler.name().to_owned(),
            vrrp: service.vrrp.clone(),
            active: self.control.is_active(service),
            plane: assignment.plane.map_or("none", Plane::name).to_owned(),
            plane_reason: assignment.reason,
            packets: total.packets,
            bytes: total.bytes,
            connections: total.connections,
            slots: (assignment.plane == Some(Plane::Xdp))
                .then(|| self.slots(service))
                .flatten(),
            warnings: service
                .check_warnings()
                .into_iter()
                .chain(self.opening.warning(service))
                .collect(),
            healthy: healthy.count(),
            quorum: self.quorum(service),
            panic: self.control.panics(service),
            weight_factor: members.factor,
            fallback: members.fallback.as_ref().map(|member| {
                let counter = counters.real_servers.get(&member.address).copied();
                fallback(member, counter.unwrap_or_default())
            }),
            real_servers: servers
                .map(|(server, member)| {
                    let counter = counters.real_servers.get(&server.address).copied();
                    self.server_status(service, server, member, counter.unwrap_or_default())
                })
                .collect(),
        }
    }

    fn quorum(&self, service: &config::Service) -> Option<Quorum> {
        let quorum = service.policy.quorum.as_ref()?;
        let (needed, _) = quorum.needed(service.real_servers.len());
        let state = match self.control.quorum(service) {
            Some(true) => "up",
            Some(false) => "down",
            None => "unknown",
        };
        Some(Quorum {
            needed,
            state: state.to_owned(),
        })
    }

    fn server_status(
        &self,
        service: &config::Service,
        server: &config::RealServer,
        member: &Member,
        counter: Counter,
    ) -> RealServer {
        let state = &member.state;
        let subject = Subject {
            service: service.name.clone(),
            real_server: server.address,
        };
        let certificate = self.control.certificate(&subject);
        let order = self.control.orders().get(&subject);
        let now = SystemTime::now();
        let expires = certificate.and_then(|one| one.expires.duration_since(UNIX_EPOCH).ok());
        RealServer {
            address: server.address,
            weight: server.weight,
            effective_weight: Some(member.weight),
            weight_by_hand: order.and_then(|order| order.weight),
            certificate_expires: expires.map(|since| since.as_secs()),
            warnings: certificate
                .and_then(|one| one.told(now))
                .into_iter()
                .collect(),
            state: state.name().to_owned(),
            reason: state.reason().map(Cow::into_owned),
            remaining: match state {
                ServerState::Draining { .. } | ServerState::Quiesced { .. } => {
                    self.remaining(service, server)
                }
                ServerState::Checking
                | ServerState::Down { .. }
                | ServerState::Resolving
                | ServerState::Unreachable { .. }
                | ServerState::Disabled { .. }
                | ServerState::Up { .. }
                | ServerState::SlowStart { .. }
                | ServerState::Kept { .. }
                | ServerState::Drained => None,
            },
            mac: mac(state),
            packets: counter.packets,
            bytes: counter.bytes,
            connections: counter.connections,
            unanswered: self.unanswered(service, server.address),
        }
    }
}

fn fallback(member: &Member, counter: Counter) -> Fallback {
    Fallback {
        address: member.address,
        used: member.weight > 0,
        state: member.state.name().to_owned(),
        reason: member.state.reason().map(Cow::into_owned),
        mac: mac(&member.state),
        packets: counter.packets,
        bytes: counter.bytes,
        connections: counter.connections,
    }
}

fn mac(state: &ServerState) -> Option<String> {
    match state.path() {
        Some(Path::Link { mac, .. }) => Some(mac.to_string()),
        Some(Path::Local) | None => None,
    }
}
