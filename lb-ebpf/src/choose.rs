//! Choosing the real server of any packet.

use core::num::NonZeroU32;

use lb_common::hash::word_of;
use lb_common::layout::{RealServer, Service, Settings, Slot, words};
use lb_common::reason::Reason;
use lb_common::record::{Key, State};
use lb_common::rule::{self, Choice, Decision, Segment, Timeouts, Write};
use lb_common::{maglev, sh};
use lb_ebpf::parse::Packet;

use crate::maps::{TABLE_SIZE, TABLES};
use crate::records::{Looked, Map, Pending, entry};
use crate::trace::Way;
use crate::{schedule, service};

/// A real server, and what is to be remembered if the packet goes there.
pub(crate) struct Chosen {
    pub(crate) server: &'static RealServer,
    settings: &'static Settings,
    connection: Pending,
    client: Pending,
}

impl Chosen {
    #[inline(always)]
    pub(crate) fn commit(self, service: &Service) {
        let written = self.connection.commit(self.settings);
        if service.flags & Service::FLOWS != 0 {
            schedule::account(&written);
        }
        self.client.commit(self.settings);
    }
}

/// A packet with all that its choice goes by.
struct Question<'a> {
    service: &'a Service,
    packet: &'a Packet,
    settings: &'static Settings,
    /// The client's address as far as it counts.
    client: [u64; 2],
    /// That the client's record names.
    remembered: Option<&'static RealServer>,
}

#[inline(always)]
pub(crate) fn choose(service: &Service, packet: &Packet, way: &mut Way) -> Result<Chosen, Reason> {
    let settings = service::settings().ok_or(Reason::NoService)?;
    let mask = words(service.client_mask);
    let client = [packet.client[0] & mask[0], packet.client[1] & mask[1]];
    let looked = look_for_client(service, packet, client, settings);
    let question = Question {
        service,
        packet,
        settings,
        client,
        remembered: looked.as_ref().and_then(|looked| looked.server),
    };
    let (server, slot, connection) = if service.flags & Service::FLOWS != 0 {
        question.by_flow()?
    } else {
        question.by_slot(way)?
    };
    let client = match looked {
        None => Pending::Nothing,
        Some(looked) => {
            let agrees = looked.server.is_some_and(|known| known.id == server.id);
            let write = if agrees {
                Write::Touch(State::Established)
            } else {
                Write::Store(State::Unconfirmed)
            };
            looked.pending(write, server, slot, service.table, settings.now)
        }
    };
    Ok(Chosen {
        server,
        settings,
        connection,
        client,
    })
}

/// What is remembered of the client, if that counts for this packet.
#[inline(always)]
fn look_for_client(
    service: &Service,
    packet: &Packet,
    client: [u64; 2],
    settings: &'static Settings,
) -> Option<Looked> {
    let begins = matches!(packet.segment, Segment::Open | Segment::Datagram);
    if service.flags & Service::PERSISTENT == 0 || !begins {
        return None;
    }
    let key = Key::new(service.table, client, 0, settings.secret);
    let timeouts = Timeouts {
        opening: service.persistence,
        established: service.persistence,
        closing: service.persistence,
    };
    Some(Looked::up(Map::Persistence, key, settings, &timeouts))
}

impl Question<'_> {
    /// A service that keeps a record of each connection.
    #[inline(always)]
    fn by_flow(&self) -> Result<(&'static RealServer, u32, Pending), Reason> {
        let looked = self.look_for_connection(Map::Flows);
        let client = self.remembered.is_some();
        let decision = rule::scheduled(self.packet.segment, looked.found(), client);
        let server = match decision.choice {
            Choice::Recorded => looked.server,
            Choice::Client => self.remembered,
            Choice::Current | Choice::Previous => schedule::next(self.service),
        };
        self.answer(server, looked, decision, 0)
    }

    /// A service with a table of slots.
    #[inline(always)]
    fn by_slot(&self, way: &mut Way) -> Result<(&'static RealServer, u32, Pending), Reason> {
        let flags = self.service.flags;
        let port = if flags & Service::PORT != 0 {
            self.packet.client_port
        } else {
            0
        };
        let word = word_of(self.client, port);
        let index = if flags & Service::SH != 0 {
            sh::slot(word)
        } else {
            let size = NonZeroU32::new(TABLE_SIZE.load()).ok_or(Reason::NoRealServer)?;
            maglev::slot(word, size)
        };
        let slot: Slot = *TABLES
            .get_value(self.service.table, &index)
            .ok_or(Reason::NoRealServer)?;
        (way.slot, way.flags) = (index, slot.flags().into());
        // Datagrams have no beginning: the client's record decides about each.
        if let Some(server) = self.remembered
            && matches!(self.packet.segment, Segment::Datagram)
        {
            return Ok((server, index, Pending::Nothing));
        }
        if slot.flags() == 0 {
            let server = entry(slot.current()).ok_or(Reason::NoRealServer)?;
            return Ok((server, index, Pending::Nothing));
        }
        if self.packet.is_fragment() {
            return Err(Reason::Fragment);
        }
        let looked = self.look_for_connection(Map::Exceptions);
        let client = self.remembered.is_some();
        let stale = looked.is_stale();
        let segment = self.packet.segment;
        let decision = rule::unstable(slot, segment, looked.found(), stale, client);
        let server = match decision.choice {
            Choice::Recorded => looked.server,
            Choice::Client => self.remembered,
            Choice::Current => entry(slot.current()),
            Choice::Previous => entry(slot.previous()),
        };
        self.answer(server, looked, decision, index)
    }

    #[inline(always)]
    fn look_for_connection(&self, map: Map) -> Looked {
        let service = self.service;
        let port = if service.flags & Service::BY_CLIENT != 0 {
            0
        } else {
            self.packet.client_port
        };
        let secret = self.settings.secret;
        let key = Key::new(service.table, self.packet.client, port, secret);
        let timeouts = Timeouts {
            opening: u32::from(service.opening),
            established: service.established,
            closing: u32::from(service.closing),
        };
        Looked::up(map, key, self.settings, &timeouts)
    }

    #[inline(always)]
    fn answer(
        &self,
        server: Option<&'static RealServer>,
        looked: Looked,
        decision: Decision,
        slot: u32,
    ) -> Result<(&'static RealServer, u32, Pending), Reason> {
        let server = server.ok_or(Reason::NoRealServer)?;
        let (table, now) = (self.service.table, self.settings.now);
        let pending = looked.pending(decision.write, server, slot, table, now);
        Ok((server, slot, pending))
    }
}
