//! Answers to the control socket's requests.

use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use lb_common::layout::Counter;

use crate::api::shape::{
    Answer, ConfigFile, Count, Dataplane, Interface, IpvsPlane, PlaneEvent, PlaneName, RealServer,
    Request, Service, Status, Vrrp, Where,
};
use crate::config::{self, Scheduler};
use crate::control::Instance;
use crate::control::plane::{Assignment, IpvsState, Override, Plane};
use crate::dataplane::maglev;
use crate::dataplane::table::Path;
use crate::dataplane::xdp::{Attached, Mode, ServiceCounters};

use super::Daemon;
use super::planes::{self, Counts};

impl Daemon {
    pub(super) async fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Status => Answer::Status(Box::new(self.status().await)),
            Request::Reload => match self.reload().await {
                Ok(reloaded) => Answer::Reloaded(reloaded),
                Err(error) => Answer::Error(error),
            },
            Request::Plane { plane } => match self.switch(plane) {
                Ok(()) => Answer::Switched,
                Err(error) => Answer::Error(error),
            },
            Request::Where { service, client } => match self.find(&service, client) {
                Ok(found) => Answer::Where(found),
                Err(error) => Answer::Error(error),
            },
            Request::TraceStart(wanted) => {
                or_error(self.start_trace(&wanted).map(Answer::TraceStarted))
            }
            Request::TraceRead { trace } => or_error(self.read_trace(trace).map(Answer::Traced)),
            Request::TraceStop { trace } => {
                or_error(self.stop_trace(trace).map(|()| Answer::TraceStopped))
            }
        }
    }

    async fn status(&self) -> Status {
        let counts = self.kernel.counts(&self.control).await;
        let config = self.control.config();
        Status {
            router_id: config.global.router_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vrrp: self.vrrp_status(),
            dataplane: self.dataplane_status(),
            services: config
                .services
                .iter()
                .map(|service| self.service_status(service, &counts))
                .collect(),
            config: ConfigFile {
                path: self.source.path.display().to_string(),
                loaded_at: self
                    .source
                    .loaded_at
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default()
                    .as_secs(),
                error: self.source.error.clone(),
            },
        }
    }

    fn vrrp_status(&self) -> Vec<Vrrp> {
        let statistics = self.vrrp.statistics();
        let status = |vrrp: &config::Instance| {
            let instance = self.control.instance(&vrrp.name);
            let counts = statistics.iter().find(|s| s.instance == vrrp.name);
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
                    let count = |&(name, packets): &(&str, u64)| Count {
                        name: name.to_owned(),
                        packets,
                    };
                    happened.map(count).collect()
                }),
            }
        };
        self.control.config().vrrp.iter().map(status).collect()
    }

    fn vrrp_reason(&self, name: &str) -> String {
        if self.unfit.contains(name) {
            return super::NO_PLANE.to_owned();
        }
        let reason = |instance: &Instance| {
            let failure = instance.failure.clone();
            failure.unwrap_or_else(|| instance.cause.clone())
        };
        self.control.instance(name).map_or_else(String::new, reason)
    }

    fn dataplane_status(&self) -> Dataplane {
        let planes = self.control.planes();
        let ipvs_reason = match &planes.ipvs {
            IpvsState::Ready => None,
            IpvsState::Missing { reason } => Some(reason.clone()),
        };
        let (mode, reason) = self.mode();
        Dataplane {
            mode,
            reason,
            by_hand: match planes.by_hand {
                None => PlaneName::Auto,
                Some(Override::Xdp) => PlaneName::Xdp,
                Some(Override::Ipvs) => PlaneName::Ipvs,
            },
            ipvs: IpvsPlane {
                available: ipvs_reason.is_none(),
                reason: ipvs_reason,
                standby: planes.wants_ipvs() && planes.wants_xdp(),
            },
            switches: self.kernel.switches,
            repairs: self.kernel.repairs,
            events: self.kernel.history.iter().map(event).collect(),
            interfaces: self.interfaces_status(),
            passed: self.kernel.passed(),
        }
    }

    /// The best plane in use, and why it is not a better one.
    fn mode(&self) -> (String, String) {
        let planes = self.control.planes();
        let attached = &self.kernel.attached;
        let refused = attached
            .iter()
            .filter_map(|(name, a)| Some(format!("{name}: {}", a.refused.as_ref()?)));
        let refused: Vec<String> = refused.collect();
        let generic = attached.values().any(|a| a.mode == Mode::Generic);
        let xdp = if generic { Mode::Generic } else { Mode::Native };
        match planes.without_service() {
            Assignment {
                plane: Some(Plane::Xdp),
                ..
            } if attached.is_empty() => ("none".to_owned(), "not attached yet".to_owned()),
            Assignment {
                plane: Some(Plane::Xdp),
                reason,
            } => {
                let reasons = refused
                    .into_iter()
                    .chain((!reason.is_empty()).then_some(reason));
                (
                    xdp.name().to_owned(),
                    reasons.collect::<Vec<_>>().join("; "),
                )
            }
            Assignment {
                plane: Some(Plane::Ipvs),
                reason,
            } => (Plane::Ipvs.name().to_owned(), reason),
            Assignment {
                plane: None,
                reason,
            } => ("none".to_owned(), reason),
        }
    }

    fn interfaces_status(&self) -> Vec<Interface> {
        let interface = |(name, attached): (&String, &Attached)| {
            let link = self.control.links().get(name);
            Interface {
                name: name.clone(),
                ifindex: link.map_or(0, |link| link.index),
                mac: link.and_then(|link| link.mac).map(|mac| mac.to_string()),
                mode: attached.mode.name().to_owned(),
            }
        };
        self.kernel.attached.iter().map(interface).collect()
    }

    fn service_status(&self, service: &config::Service, counts: &Counts) -> Service {
        let none = ServiceCounters::default();
        let counters = counts.get(&service.name).unwrap_or(&none);
        let total = counters.total();
        let assignment = self.control.planes().assign(service);
        let servers = service.real_servers.iter();
        Service {
            name: service.name.clone(),
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
            real_servers: servers
                .map(|server| {
                    let counter = counters.real_servers.get(&server.address).copied();
                    self.server_status(service, server, counter.unwrap_or_default())
                })
                .collect(),
        }
    }

    fn server_status(
        &self,
        service: &config::Service,
        server: &config::RealServer,
        counter: Counter,
    ) -> RealServer {
        let state = self.control.server_state(service, server);
        let mac = match state.path() {
            Some(Path::Link { mac, .. }) => Some(mac.to_string()),
            Some(Path::Local) | None => None,
        };
        RealServer {
            address: server.address,
            weight: server.weight,
            state: state.name().to_owned(),
            reason: state.reason().map(str::to_owned),
            mac,
            packets: counter.packets,
            bytes: counter.bytes,
            connections: counter.connections,
        }
    }

    /// The real server that a client of a service is sent to.
    fn find(&self, name: &str, client: IpAddr) -> Result<Where, String> {
        let config = self.control.config();
        let service = config.services.iter().find(|s| s.name == name);
        let service = service.ok_or_else(|| {
            let names: Vec<&str> = config.services.iter().map(|s| s.name.as_str()).collect();
            format!(
                "no service is called {name:?}; there are: {}",
                names.join(", ")
            )
        })?;
        if service.address.is_ipv4() != client.is_ipv4() {
            return Err(format!(
                "client {client} cannot reach {}: they are of different address families",
                service.address
            ));
        }
        if service.scheduler != Scheduler::Mh || service.flags.port {
            return Err(format!(
                "service {name} is scheduled by {}{}: where a client is sent depends on more than \
                 its address",
                service.scheduler.name(),
                if service.flags.port {
                    " with its port"
                } else {
                    ""
                }
            ));
        }
        let members: Vec<maglev::Member> = service
            .real_servers
            .iter()
            .filter(|server| self.control.server_state(service, server).path().is_some())
            .map(|server| maglev::Member {
                address: server.address,
                port: service.address.port(),
                weight: server.weight,
            })
            .collect();
        let size = config.global.table_size;
        let slot = maglev::client_slot(client, size);
        let member = maglev::fill(&members, size)[slot as usize];
        Ok(Where {
            service: name.to_owned(),
            client,
            slot,
            real_server: member.map(|index| members[index].address),
        })
    }
}

fn or_error(result: Result<Answer, String>) -> Answer {
    result.unwrap_or_else(Answer::Error)
}

fn event(event: &planes::PlaneEvent) -> PlaneEvent {
    PlaneEvent {
        at: event
            .at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
        text: event.text.clone(),
    }
}
