//! `lvx where`.

use std::cmp::Reverse;
use std::net::IpAddr;

use lb_common::hash::address_word;
use lb_common::maglev::slot;

use crate::api::shape::Where;
use crate::config::{self, Affinity, Protocol, Scheduler};
use crate::control::{Control, Member};
use crate::dataplane::explain::{Asked, Explained, SlotPhase};
use crate::dataplane::table::address_bytes;
use crate::dataplane::{maglev, sh};

use super::Daemon;

impl Daemon {
    /// The real server that a client of a service is sent to.
    pub(super) fn find(
        &self,
        name: &str,
        client: IpAddr,
        port: Option<u16>,
    ) -> Result<Where, String> {
        let config = self.control.config();
        let service = config.services.iter().find(|s| *s.name == *name);
        let service = service.ok_or_else(|| {
            let names: Vec<&str> = config.services.iter().map(|s| &*s.name).collect();
            format!(
                "no service is called {name:?}; there are: {}",
                names.join(", ")
            )
        })?;
        check_client(service, client, port)?;
        let asked = Asked {
            datagram: service.protocol == Protocol::Udp,
            connection: port.is_some() || service.affinity == Affinity::Client,
        };
        let (found, real_server, why) =
            match self.explained(service, client, port.unwrap_or_default()) {
                Some(found) => {
                    let (real_server, why) = found.outcome(asked);
                    (found, real_server, why)
                }
                None => computed(&self.control, service, client, port)?,
            };
        Ok(Where {
            service: name.to_owned(),
            client,
            port,
            slot: found.slot,
            state: found.state.name().to_owned(),
            previous: found.previous,
            record: found.record.map(|(server, _, _)| server),
            why,
            real_server,
        })
    }
}

/// What follows from the configuration and the servers' states alone.
fn computed(
    control: &Control,
    service: &config::Service,
    client: IpAddr,
    port: Option<u16>,
) -> Result<(Explained, Option<IpAddr>, String), String> {
    if has_flows(service) {
        return Err(format!(
            "service {} is scheduled by {}, and its packets are not forwarded by XDP here: \
             `ipvsadm --list --connection` may know more",
            service.name,
            service.scheduler.name(),
        ));
    }
    let members = control.members(service);
    let usable = members.all().filter(|one| one.state.path().is_some());
    let member = |member: &Member| maglev::Member {
        address: member.address,
        port: service.address.port(),
        weight: member.weight,
    };
    let mut members: Vec<maglev::Member> = usable.map(member).collect();
    let size = control.config().global.table_size;
    let hashed = port.filter(|_| service.flags.port).unwrap_or_default();
    let word = address_word(address_bytes(client), hashed);
    // The canonical order, which `sh` does not make itself.
    members.sort_by_key(|member| Reverse(member.address));
    let (slot, table) = if service.scheduler == Scheduler::Sh {
        let weights: Vec<u16> = members.iter().map(|member| member.weight).collect();
        (lb_common::sh::slot(word), sh::fill(&weights))
    } else {
        (slot(word, size.slots()), maglev::fill(&members, size))
    };
    let member = table[slot as usize];
    let current = member.map(|index| members[index].address);
    let why = match current {
        Some(_) => "the table decides, as computed from what is configured and healthy",
        None => "no real server can take packets",
    };
    let found = Explained {
        slot,
        current,
        previous: None,
        state: SlotPhase::Stable,
        record: None,
        client_record: None,
    };
    Ok((found, current, why.to_owned()))
}

/// Whether each connection has a server of its own.
const fn has_flows(service: &config::Service) -> bool {
    match service.scheduler {
        Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc => true,
        Scheduler::Mh | Scheduler::Sh => false,
    }
}

/// Whether the question has an answer for this service.
fn check_client(
    service: &config::Service,
    client: IpAddr,
    port: Option<u16>,
) -> Result<(), String> {
    if service.address.is_ipv4() != client.is_ipv4() {
        return Err(format!(
            "client {client} cannot reach {}: they are of different address families",
            service.address
        ));
    }
    if port.is_some() {
        return Ok(());
    }
    let name = &service.name;
    let needs = if service.flags.port {
        "the client's port is hashed, too"
    } else if has_flows(service) && service.affinity == Affinity::None {
        "each connection has a server of its own"
    } else {
        return Ok(());
    };
    let example = std::net::SocketAddr::new(client, 40_000);
    Err(format!(
        "service {name} is scheduled by {}, and {needs}: give the port, too, like `lvx where \
         {name} {example}`",
        service.scheduler.name(),
    ))
}

#[cfg(test)]
mod tests;
