//! Clients that get no answer: what `status` tells of them, and checks that ask at once.

use std::net::IpAddr;
use std::time::Instant;

use lb_common::layout::ServiceKey;

use crate::api::shape::Unanswered;
use crate::config;
use crate::control::ServerState;
use crate::dataplane::opened::{Opened, WINDOW};
use crate::dataplane::table::service_key;
use crate::health::Subject;

use super::Daemon;

impl Daemon {
    /// Looks what became of sampled connections, and lets checks probe servers that do not seem to
    /// answer.
    pub(super) fn follow_opened(&mut self) {
        let Some(xdp) = &self.kernel.xdp else {
            return;
        };
        let seen = xdp.look_at_opened();
        for ((key, server), opened) in self.kernel.opened.observe(&seen, Instant::now()) {
            self.prompt(&key, server, opened);
        }
    }

    fn prompt(&self, wanted: &ServiceKey, server: IpAddr, opened: Opened) {
        let services = &self.control.config().services;
        let Some(service) = services.iter().find(|service| key(service) == *wanted) else {
            return;
        };
        let servers = &service.real_servers;
        let Some(real_server) = servers.iter().find(|one| one.address == server) else {
            return;
        };
        let state = self.control.server_state(service, real_server);
        // Elsewhere packets of connections may go by another director.
        if !self.control.is_active(service) || !matches!(state, ServerState::Up { .. }) {
            return;
        }
        let subject = Subject {
            service: service.name.clone(),
            real_server: server,
        };
        let why = words(opened);
        if self.checks.prompt(&subject, &why) {
            tracing::debug!(service = &*service.name, real_server = %server, "probed early: {why}");
        }
    }

    /// What clients say about a server.
    pub(super) fn unanswered(
        &self,
        service: &config::Service,
        server: IpAddr,
    ) -> Option<Unanswered> {
        let opened = &self.kernel.opened;
        let opened = opened.opened(&(key(service), server), Instant::now())?;
        Some(Unanswered {
            sampled: opened.sampled,
            unanswered: opened.unanswered,
            share: opened.share(),
        })
    }
}

fn words(opened: Opened) -> String {
    let Opened {
        sampled,
        unanswered,
    } = opened;
    let seconds = WINDOW.as_secs();
    format!("{unanswered} of {sampled} sampled SYNs of the last {seconds} s were not answered")
}

fn key(service: &config::Service) -> ServiceKey {
    service_key(service.address, service.protocol.number())
}
