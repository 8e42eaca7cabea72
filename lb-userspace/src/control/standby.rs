//! What IPVS shall do: the services that are its own, and XDP's as a standby. PURE.

use crate::config::{self, Scheduler};
use crate::dataplane::ipvs::table::{
    Destination, Persistence, Service, ServiceFlags, ServiceKey, Table,
};

use super::Control;
use super::plane::ipvs_lacks;

impl Control {
    /// The IPVS table that follows from all that is known.
    ///
    /// It holds what this director forwards now and nothing else: a backup that is also a real
    /// server would balance a second time.
    #[must_use]
    pub fn ipvs_table(&self) -> Table {
        if !self.planes.wants_ipvs() {
            return Table::default();
        }
        let active = self
            .config
            .services
            .iter()
            .filter(|service| self.is_active(service) && ipvs_lacks(service).is_none());
        let services = active.map(|service| (ipvs_key(service), self.ipvs_service(service)));
        Table {
            services: services.collect(),
        }
    }

    fn ipvs_service(&self, service: &config::Service) -> Service {
        // With weight 0 a server keeps its connections. But mh and sh still count on it: one that
        // gets no clients must be gone.
        let keeps_drained = match service.scheduler {
            Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc => true,
            Scheduler::Mh | Scheduler::Sh => false,
        };
        let members = self.members(service);
        let usable = members.all().filter(|member| {
            let reached = member.state.path().is_some();
            reached && (member.weight > 0 || keeps_drained)
        });
        let destinations = usable.map(|member| {
            let destination = Destination {
                weight: member.weight,
                upper_threshold: 0,
                lower_threshold: 0,
            };
            (member.address, destination)
        });
        Service {
            scheduler: service.scheduler.name().to_owned(),
            flags: ServiceFlags {
                port: service.flags.port,
                fallback: service.flags.fallback,
                ..ServiceFlags::default()
            },
            persistence: service.persistence.map(|persistence| Persistence {
                timeout: persistence.timeout,
                prefix_len: persistence.granularity,
            }),
            destinations: destinations.collect(),
        }
    }
}

/// A service's key in IPVS.
#[must_use]
pub fn ipvs_key(service: &config::Service) -> ServiceKey {
    ServiceKey::Address {
        address: service.address.ip(),
        port: service.address.port(),
        protocol: service.protocol.number(),
    }
}
