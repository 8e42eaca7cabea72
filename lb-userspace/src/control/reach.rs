//! Which real servers can take packets, and how they are reached. PURE.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::config;
use crate::dataplane::table::Path;
use crate::health::Subject;
use crate::netlink::hosts::{self, Knowledge};
use crate::netlink::{Resolution, Route};

use super::policy::Ruling;
use super::{Control, ServerState};

impl Control {
    /// The real servers' addresses, and what is known of each one's MAC.
    #[must_use]
    pub fn wanted_hosts(&self) -> hosts::Wanted {
        let failing = self.failing_hosts();
        let knowledge = |host: &IpAddr| {
            let resolution = match self.routes.get(host) {
                Some(Route::Local) => return Knowledge::Known,
                Some(Route::OnLink { ifindex }) => self.neighbours.get(&(*ifindex, *host)),
                Some(Route::Via { .. } | Route::None { .. }) | None => None,
            };
            match resolution {
                Some(Resolution::Known(_)) if failing.contains(host) => Knowledge::Doubtful,
                Some(Resolution::Known(_) | Resolution::Fixed(_)) => Knowledge::Known,
                Some(Resolution::Unknown | Resolution::Failed) | None => Knowledge::Unknown,
            }
        };
        self.hosts().map(|host| (host, knowledge(&host))).collect()
    }

    /// The hosts all of whose checks fail.
    fn failing_hosts(&self) -> BTreeSet<IpAddr> {
        let of = |up: bool| {
            let verdicts = self.verdicts.iter();
            let alike = verdicts.filter(move |(_, verdict)| verdict.is_ok() == up);
            alike.map(|(subject, _)| subject.real_server)
        };
        let mut failing: BTreeSet<IpAddr> = of(false).collect();
        for host in of(true) {
            failing.remove(&host);
        }
        failing
    }

    /// Whether a real server can take packets, and if not, why.
    #[must_use]
    pub fn server_state(
        &self,
        service: &config::Service,
        server: &config::RealServer,
    ) -> ServerState {
        let subject = Subject {
            service: service.name.clone(),
            real_server: server.address,
        };
        if let Some(disabled) = self.disabled(service, server, &subject) {
            return disabled;
        }
        let over = || self.drains.is_over(&subject);
        let reach = || self.reach(server.address);
        match self.ruling(service, server) {
            Ruling::Open => ServerState::Checking,
            Ruling::In { .. } if self.weight(service, server) == 0 => reach().drained(over()),
            Ruling::In { step } => reach().slow_start(step),
            Ruling::Kept { reason } => reach().kept(reason),
            Ruling::Quiesced { reason } => reach().quiesced(reason, over()),
            Ruling::Out { reason } => ServerState::Down { reason },
        }
    }

    /// How a host is reached by direct routing.
    pub(super) fn reach(&self, host: IpAddr) -> ServerState {
        match self.routes.get(&host) {
            None => ServerState::Resolving,
            Some(Route::Local) => ServerState::Up { path: Path::Local },
            Some(Route::Via { gateway }) => ServerState::unreachable(format!(
                "it is behind router {gateway}: direct routing needs it on a network of the director"
            )),
            Some(Route::None { reason }) => {
                ServerState::unreachable(format!("no route to it: {reason}"))
            }
            Some(Route::OnLink { ifindex }) => self.reach_on_link(host, *ifindex),
        }
    }

    fn reach_on_link(&self, host: IpAddr, ifindex: u32) -> ServerState {
        let Some(link) = self.link(ifindex) else {
            return ServerState::Resolving;
        };
        let (carrier, name) = (self.carrier(link), &link.name);
        if let Some(parent) = self.below_virtual(link) {
            return ServerState::unreachable(format!(
                "the route to it is by {name}, which has a virtual MAC: give {parent} an address \
                 of its own in that network"
            ));
        }
        if !self.interfaces().contains(carrier.name.as_str()) {
            let carrier = &carrier.name;
            return ServerState::unreachable(format!(
                "it is on interface {name}, which lvx does not use: add {carrier} to [global] \
                 interfaces"
            ));
        }
        let Some(vlans) = self.vlans(link) else {
            return ServerState::unreachable(format!(
                "it is on interface {name}, whose frames have more than two VLAN tags"
            ));
        };
        match (self.neighbours.get(&(ifindex, host)), link.mac) {
            (Some(Resolution::Known(mac) | Resolution::Fixed(mac)), Some(source_mac)) => {
                let path = Path::Link {
                    mac: *mac,
                    source_mac,
                    ifindex: carrier.index,
                    vlans,
                };
                ServerState::Up { path }
            }
            (Some(Resolution::Unknown | Resolution::Failed) | None, _) => ServerState::Resolving,
            (Some(Resolution::Known(_) | Resolution::Fixed(_)), None) => {
                ServerState::unreachable(format!("interface {name} has no MAC address"))
            }
        }
    }
}
