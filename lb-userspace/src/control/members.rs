//! Those to whom a service's clients may go, and their shares. PURE.

use std::net::IpAddr;

use crate::config;

use super::policy::ramp;
use super::{Control, ServerState};

/// A real server of a service, or its fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub address: IpAddr,
    pub state: ServerState,
    /// 0 = gets no clients.
    pub weight: u16,
}

/// All of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    /// In the configuration's order.
    pub servers: Vec<Member>,
    pub fallback: Option<Member>,
    /// All weights are multiplied by it: 1 while no server's weight grows.
    pub factor: u16,
}

impl Members {
    pub fn all(&self) -> impl Iterator<Item = &Member> {
        self.servers.iter().chain(&self.fallback)
    }
}

impl Control {
    /// Both directors and both planes go by these weights.
    #[must_use]
    pub fn members(&self, service: &config::Service) -> Members {
        let member = |server: &config::RealServer| {
            let state = self.server_state(service, server);
            let weight = if state.is_quiesced() {
                0
            } else {
                self.weight(service, server)
            };
            let address = server.address;
            Member {
                address,
                state,
                weight,
            }
        };
        let mut servers: Vec<Member> = service.real_servers.iter().map(member).collect();
        let grows = servers.iter().any(|member| member.state.step().is_some());
        let factor = if grows {
            let weights = servers.iter().map(|member| member.weight);
            ramp::factor(weights, service.scheduler)
        } else {
            1
        };
        for member in &mut servers {
            member.weight = ramp::weigh(member.weight, member.state.step(), factor);
        }
        Members {
            servers,
            fallback: self.fallback(service),
            factor,
        }
    }

    /// Whether it is needed, and not known yet how to reach it.
    pub(super) fn waits_for_fallback(&self, service: &config::Service) -> bool {
        let fallback = self.fallback(service);
        fallback.is_some_and(|one| one.weight > 0 && !one.state.is_settled())
    }

    fn fallback(&self, service: &config::Service) -> Option<Member> {
        let address = service.policy.fallback?;
        Some(Member {
            address,
            state: self.reach(address),
            weight: self.falls_back(service).into(),
        })
    }
}
