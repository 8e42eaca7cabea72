//! Answers to the control socket's requests.

use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use crate::api::shape::{Answer, ConfigFile, Request, Status};
use crate::health::Subject;

use super::Daemon;

mod checks;
mod dataplane;
mod events;
mod find;
mod history;
mod notify;
mod orders;
mod program;
mod resign;
mod service;
mod vrrp;

use orders::Command;

impl Daemon {
    pub(super) async fn answer(&mut self, request: Request, uid: Option<u32>) -> Answer {
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
            } => self.about_server(service, server, Command::Drain { deadline }, uid),
            Request::Undrain { service, server } => {
                self.about_server(service, server, Command::Undrain, uid)
            }
            Request::Disable {
                service,
                server,
                reason,
            } => self.about_server(service, server, Command::Disable { reason }, uid),
            Request::Enable { service, server } => {
                self.about_server(service, server, Command::Enable, uid)
            }
            Request::Weight {
                service,
                server,
                weight,
            } => {
                let command = weight.map_or(Command::ClearWeight, Command::Weight);
                self.about_server(service, server, command, uid)
            }
            Request::History { service, server } => or_error(
                self.history(service.as_deref(), server)
                    .map(Answer::History),
            ),
            Request::TraceStart(wanted) => {
                or_error(self.start_trace(&wanted).map(Answer::TraceStarted))
            }
            Request::TraceRead { trace } => or_error(self.read_trace(trace).map(Answer::Traced)),
            Request::TraceStop { trace } => {
                or_error(self.stop_trace(trace).map(|()| Answer::TraceStopped))
            }
            Request::Events { after, count } => Answer::Events(self.events(after, count)),
            Request::Resign { instance } => or_error(self.resign(&instance).map(Answer::Resigning)),
            Request::Claim { instance } => {
                or_error(self.claim(&instance).map(|()| Answer::Claimed))
            }
            Request::NotifyTest { target } => {
                or_error(self.notify_test(target.as_deref()).map(Answer::NotifyTest))
            }
            Request::NotifyTested { test } => {
                or_error(self.notify_tested(test).map(Answer::NotifyTested))
            }
        }
    }

    fn about_server(
        &mut self,
        service: String,
        real_server: IpAddr,
        command: Command,
        uid: Option<u32>,
    ) -> Answer {
        let subject = Subject {
            service: service.into(),
            real_server,
        };
        or_error(self.order_server(&subject, command, uid))
    }

    async fn status(&self) -> Status {
        let counts = self.kernel.counts(&self.control).await;
        let config = self.control.config();
        Status {
            router_id: config.global.router_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vrrp: self.vrrp_status(),
            notify: self.notify_status(),
            protocol: self.protocol_status(),
            checks: self.checks_status(),
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
}

fn or_error(result: Result<Answer, String>) -> Answer {
    result.unwrap_or_else(Answer::Error)
}
