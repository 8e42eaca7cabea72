//! What the XDP program shall do. PURE.

use std::time::Duration;

use lb_common::rule;

use crate::config::{self, Affinity, Scheduler};
use crate::dataplane::table::{
    ForwardingTable, Method, Persistence, RealServer, Service, service_key,
};

use super::plane::{Plane, program_lacks};
use super::{Control, ServerState};

impl Control {
    /// What the XDP program shall do. It knows all services that it could do, so that a plane is
    /// switched by a flag; only those assigned to it are active.
    #[must_use]
    pub fn table(&self) -> ForwardingTable {
        let services = self.config.services.iter();
        let possible = services.filter(|service| program_lacks(service).is_none());
        let services = possible.map(|service| {
            let key = service_key(service.address, service.protocol.number());
            (key, self.wanted(service))
        });
        let interfaces = self.interfaces().into_iter().filter_map(|name| {
            let link = self.links.get(name)?;
            Some((link.index, link.mac?))
        });
        ForwardingTable {
            services: services.collect(),
            interfaces: interfaces.collect(),
        }
    }

    fn wanted(&self, service: &config::Service) -> Service {
        let by_program = self.planes.assign(service).plane == Some(Plane::Xdp);
        // One that a reload brought back may have connections from before, which stay until its
        // first verdict: with a server that is in no table nothing changes.
        let members = self.members(service);
        let real_servers = members.all().filter_map(|member| {
            let (path, weight) = (member.state.path(), member.weight);
            (member.state != ServerState::Checking)
                .then_some((member.address, RealServer { weight, path }))
        });
        let timeouts = service.timeouts;
        let settling = service.drain_deadline.unwrap_or_default();
        Service {
            active: by_program && self.is_active(service),
            method: method(service),
            persistence: service.persistence.map(|persistence| Persistence {
                timeout: seconds(persistence.timeout),
                prefix_len: persistence.granularity,
            }),
            affinity: service.affinity == Affinity::Client,
            timeouts: rule::Timeouts {
                opening: seconds(timeouts.opening),
                established: seconds(timeouts.established),
                closing: seconds(timeouts.closing),
            },
            settling: seconds(settling.max(timeouts.established)),
            virtual_router: self.virtual_router(service),
            real_servers: real_servers.collect(),
        }
    }
}

/// The flag `fallback` says nothing here: a server that takes no clients has no slots.
const fn method(service: &config::Service) -> Method {
    let port = service.flags.port;
    match service.scheduler {
        Scheduler::Mh => Method::Mh { port },
        Scheduler::Sh => Method::Sh { port },
        Scheduler::Rr => Method::Rr,
        Scheduler::Wrr => Method::Wrr,
        Scheduler::Lc => Method::Lc,
        Scheduler::Wlc => Method::Wlc,
    }
}

/// The configuration's times are whole seconds, at most 30 days.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}
