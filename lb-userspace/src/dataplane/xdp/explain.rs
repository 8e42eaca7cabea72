//! What the maps say of one client: the program's own steps, looked at from outside.

use std::net::IpAddr;

use lb_common::layout::{Service, ServiceKey, Slot, words};
use lb_common::record::{Key, Record, State};
use lb_common::rule::Timeouts;

use super::super::explain::{Explained, SlotPhase};
use super::super::table::address_bytes;
use super::Xdp;
use super::state::Records;

impl Xdp {
    /// Where a client's packets of this service go, and by what. `port` 0: not known. `None`: the
    /// program has no such service.
    #[must_use]
    pub fn explain(&self, key: &ServiceKey, client: IpAddr, port: u16) -> Option<Explained> {
        let (_, service) = self.applied.services().find(|(found, _)| *found == key)?;
        let whole = words(address_bytes(client));
        let masked = service.masked(whole);
        let flows = service.flags & Service::FLOWS != 0;
        let records = if flows {
            &self.state.flows
        } else {
            &self.state.exceptions
        };
        let connection = Key::new(
            service.table,
            whole,
            service.record_port(port),
            self.state.secret(),
        );
        let record = self.counting(records, connection, &service.timeouts());
        let client = Key::new(service.table, masked, 0, self.state.secret());
        let client = (service.flags & Service::PERSISTENT != 0)
            .then(|| self.counting(&self.state.persistence, client, &service.client_timeouts()))
            .flatten();
        let (slot, word) = self.slot_of(service, masked, port)?;
        Some(Explained {
            slot,
            current: (!flows).then(|| self.address_at(word.current())).flatten(),
            previous: self.address_at(word.previous()),
            state: match word.flags() {
                _ if flows => SlotPhase::Flow,
                0 => SlotPhase::Stable,
                flags if flags & Slot::SETTLING != 0 => SlotPhase::Settling,
                _ => SlotPhase::Exceptional,
            },
            record: record.and_then(|record| {
                let server = self.address_at(self.state.entry(record.server()))?;
                Some((server, name(record.state()), record.age(self.now())))
            }),
            client_record: client
                .and_then(|record| self.address_at(self.state.entry(record.server()))),
        })
    }

    /// The record of a key, if it is not over and its server takes packets.
    fn counting(&self, records: &Records, key: Key, timeouts: &Timeouts) -> Option<Record> {
        let record = records.get(key, self.state.secret())?;
        let alive = record.age(self.now()) <= timeouts.of(record.state());
        (alive && self.state.entry(record.server()) != 0).then_some(record)
    }

    fn slot_of(&self, service: &Service, client: [u64; 2], port: u16) -> Option<(u32, Slot)> {
        if service.flags & Service::FLOWS != 0 {
            return Some((0, Slot::default()));
        }
        let index = service.slot(client, port, self.loaded.sizes().table.slots());
        let slots = self.inner_table(service.table).ok()?;
        Some((index, *slots.get(index as usize)?))
    }

    /// The address of the server at an index of `real_servers`.
    fn address_at(&self, index: u32) -> Option<IpAddr> {
        if index == 0 {
            return None;
        }
        let server = self.state.real_servers().get(index as usize)?;
        Some(IpAddr::from(server.address).to_canonical())
    }
}

const fn name(state: State) -> &'static str {
    match state {
        State::Opening => "opening",
        State::Unconfirmed => "unconfirmed",
        State::Established => "established",
        State::Closing => "closing",
    }
}
