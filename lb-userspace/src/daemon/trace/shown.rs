//! What a trace's wishes mean to the program, and what its events mean to people. PURE.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lb_common::index::IndexKey;
use lb_common::layout::{ServiceKey, Slot, words};
use lb_common::rule::Segment;
use lb_common::trace::{Event, Filter, Outcome};

use crate::api::shape::{Network, TraceWanted, TracedPacket};
use crate::config::Scheduler;
use crate::dataplane::table::address_bytes;

/// The program's filter for what is wanted.
pub(super) fn filter(
    wanted: &TraceWanted,
    services: &[(Arc<str>, ServiceKey)],
) -> Result<Filter, String> {
    if wanted.rate == 0 {
        return Err("a rate of 0 packets per second shows nothing".to_owned());
    }
    let mut filter = Filter::default();
    if let Some(name) = &wanted.service {
        let found = services.iter().find(|(service, _)| **service == **name);
        let (_, key) = found.ok_or_else(|| {
            let names: Vec<&str> = services.iter().map(|(name, _)| &**name).collect();
            format!("there is no service {name}: there are {}", names.join(", "))
        })?;
        if key.port == 0 {
            // Its packets carry other ports, and the program compares them.
            return Err(format!(
                "{name} is on all ports, which cannot be asked for: use --client instead"
            ));
        }
        filter.flags |= Filter::SERVICE;
        filter.service = (*key).into();
    }
    if let Some(network) = &wanted.client {
        let mask = mask(network)?;
        let bytes = address_bytes(network.address).map_bytes(mask);
        filter.flags |= Filter::CLIENT;
        filter.client = words(bytes);
        filter.client_mask = words(mask);
    }
    if wanted.drops {
        filter.flags |= Filter::PASSED;
    }
    Ok(filter)
}

trait MapBytes {
    fn map_bytes(self, mask: [u8; 16]) -> [u8; 16];
}

impl MapBytes for [u8; 16] {
    fn map_bytes(mut self, mask: [u8; 16]) -> [u8; 16] {
        self.iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte &= mask);
        self
    }
}

/// Of a network, in the 16-byte form of its addresses.
fn mask(network: &Network) -> Result<[u8; 16], String> {
    let (bits, before) = match network.address {
        IpAddr::V4(_) => (32, 96),
        IpAddr::V6(_) => (128, 0),
    };
    let length = network.prefix_len;
    if length > bits {
        let address = network.address;
        return Err(format!(
            "{address}/{length}: a prefix length is {bits} at most"
        ));
    }
    let length = u32::from(length) + before;
    let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
    Ok(mask.to_be_bytes())
}

/// What is behind the numbers of an event.
pub(super) struct Names<'a> {
    pub(super) interfaces: BTreeMap<u32, &'a str>,
    pub(super) services: BTreeMap<ServiceKey, (&'a str, Scheduler)>,
    pub(super) server: &'a dyn Fn(&ServiceKey, u32) -> Option<IpAddr>,
    /// From 1970 to the beginning of the events' clock.
    pub(super) boot: Duration,
}

impl Names<'_> {
    pub(super) fn packet(&self, event: &Event) -> TracedPacket {
        let at = self.boot + Duration::from_nanos(event.time);
        let number = event.service.port_protocol;
        let (port, protocol) = ((number >> 16) as u16, number as u8);
        let known = protocol != 0;
        let fragment = event.service.fragments != 0;
        let service = self.service(&event.service);
        let server = service.filter(|_| event.server != 0);
        let by_slot = server
            .is_some_and(|(_, (_, scheduler))| matches!(scheduler, Scheduler::Mh | Scheduler::Sh));
        let slot_state = match event.slot_flags as u16 {
            flags if flags & Slot::SETTLING != 0 => "settling",
            flags if flags & Slot::EXCEPTIONAL != 0 => "exceptional",
            _ => "stable",
        };
        TracedPacket {
            at: at.as_nanos() as u64,
            interface: self.interfaces.get(&event.ifindex).map_or_else(
                || format!("interface {}", event.ifindex),
                |name| (*name).to_owned(),
            ),
            client: address(event.client).map(|ip| SocketAddr::new(ip, event.client_port)),
            destination: address(event.service.address)
                .filter(|_| known)
                .map(|ip| SocketAddr::new(ip, port)),
            protocol: protocol_name(protocol),
            fragment,
            service: service.map(|(_, (name, _))| name.to_owned()),
            segment: segment_name(event.segment).to_owned(),
            bytes: event.ip_length,
            verdict: match event.outcome {
                Outcome::TRANSMITTED => "transmitted",
                Outcome::REDIRECTED => "redirected",
                Outcome(_) => "passed",
            }
            .to_owned(),
            reason: event
                .outcome
                .reason()
                .map(|reason| reason.name().to_owned()),
            real_server: server.and_then(|(key, _)| (self.server)(&key, event.server)),
            slot: by_slot.then_some(event.slot),
            slot_state: by_slot.then(|| slot_state.to_owned()),
        }
    }

    /// The service of a destination: its own, the one on all ports, or, for fragments, the only
    /// one of the address and protocol.
    fn service(&self, key: &IndexKey) -> Option<(ServiceKey, (&str, Scheduler))> {
        let entry = |(key, value): (&ServiceKey, &(_, _))| (*key, *value);
        let find = |wanted: IndexKey| {
            let mut all = self.services.iter();
            all.find(|(key, _)| IndexKey::from(**key) == wanted)
                .map(entry)
        };
        if key.fragments == 0 {
            return find(*key).or_else(|| find(key.any_port()));
        }
        let of_address = |(service, _): &(&ServiceKey, _)| {
            IndexKey::of_fragments(words(service.address), service.protocol) == *key
        };
        let mut all = self.services.iter().filter(of_address).map(entry);
        all.next().filter(|_| all.next().is_none())
    }
}

/// `None`: the packet was not understood.
fn address(words: [u64; 2]) -> Option<IpAddr> {
    let [high, low] = words.map(u64::to_ne_bytes);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high);
    bytes[8..].copy_from_slice(&low);
    (bytes != [0; 16]).then(|| Ipv6Addr::from(bytes).to_canonical())
}

fn protocol_name(number: u8) -> String {
    match number {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        132 => "sctp".to_owned(),
        other => other.to_string(),
    }
}

const fn segment_name(number: u8) -> &'static str {
    const NAMES: [(Segment, &str); 5] = [
        (Segment::Open, "open"),
        (Segment::Data, "data"),
        (Segment::Close, "close"),
        (Segment::Datagram, "datagram"),
        (Segment::Quote, "quote"),
    ];
    let mut index = 0;
    while index < NAMES.len() {
        if NAMES[index].0 as u8 == number {
            return NAMES[index].1;
        }
        index += 1;
    }
    "unknown"
}

#[cfg(test)]
mod tests;
