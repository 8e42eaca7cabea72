//! Answers to the control socket's requests.

use std::time::UNIX_EPOCH;

use crate::api::shape::{Answer, ConfigFile, Count, Request, Status, Vrrp};
use crate::config;
use crate::control::Instance;

use super::Daemon;

mod dataplane;
mod drain;
mod find;
mod program;
mod service;

impl Daemon {
    pub(super) async fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Status => Answer::Status(Box::new(self.status().await)),
            Request::Reload => or_error(self.reload().await.map(Answer::Reloaded)),
            Request::Plane { plane } => or_error(self.switch(plane).map(|()| Answer::Switched)),
            Request::Where {
                service,
                client,
                port,
            } => or_error(self.find(&service, client, port).map(Answer::Where)),
            Request::Drain {
                service,
                server,
                deadline,
            } => or_error(self.drain(&service, server, deadline).map(Answer::Drained)),
            Request::Undrain { service, server } => {
                or_error(self.undrain(&service, server).map(|()| Answer::Undrained))
            }
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
        let mut configured = self.control.config().vrrp.iter();
        let closed = configured.any(|vrrp| vrrp.name == name && !vrrp.accept);
        let open = self.accept.error.clone().filter(|_| closed);
        let reason = |instance: &Instance| {
            let failure = instance.failure.clone().or(open);
            failure.unwrap_or_else(|| instance.cause.clone())
        };
        self.control.instance(name).map_or_else(String::new, reason)
    }
}

fn or_error(result: Result<Answer, String>) -> Answer {
    result.unwrap_or_else(Answer::Error)
}
