//! Choosing the real server of any packet.

use core::num::NonZeroU32;

use lb_common::layout::{Service, Settings, Slot};
use lb_common::reason::Reason;
use lb_common::record::Key;
use lb_common::rule::{self, Choice, Decision, Segment};
use lb_ebpf::parse::Packet;

use crate::maps::{TABLE_SIZE, TABLES};
use crate::records::{Looked, Map, Pending, entry};
use crate::{schedule, service};

/// A real server, and what is to be remembered if the packet goes there.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Chosen {
    connection: Pending,
    client: Pending,
    /// Where the server is in `real_servers`.
    pub(crate) entry: u32,
    pub(crate) slot: u32,
    /// That slot's, to be shown.
    pub(crate) slot_flags: u64,
}

impl Chosen {
    #[inline(always)]
    pub(crate) const fn changes_records(&self) -> bool {
        self.connection.changes_something() || self.client.changes_something()
    }
}

/// Writes what is to be remembered; `flags` are the service's.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn remember(chosen: *const Chosen, flags: u32) -> u32 {
    // SAFETY: the caller's own, if it is not null.
    let (Some(chosen), Some(settings)) = (unsafe { chosen.as_ref() }, service::settings()) else {
        return 0;
    };
    let written = chosen.connection.commit(settings);
    if flags & Service::FLOWS != 0 {
        schedule::account(&written);
    }
    chosen.client.commit(settings);
    1
}

/// Fills `chosen`; 0, or the number of the reason plus 1.
///
/// Exported, so that the verifier looks at it by itself, and the program goes on from here as if
/// there was one way through it.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn choose_server(
    service: *const Service,
    packet: *const Packet,
    chosen: *mut Chosen,
) -> u32 {
    // SAFETY: the caller's own, if they are not null.
    let (Some(service), Some(packet), Some(chosen)) =
        (unsafe { (service.as_ref(), packet.as_ref(), chosen.as_mut()) })
    else {
        return Reason::Malformed as u32 + 1;
    };
    match choose(service, packet, chosen) {
        Ok(()) => 0,
        Err(reason) => reason as u32 + 1,
    }
}

/// A packet with all that its choice goes by.
struct Question<'a> {
    service: &'a Service,
    packet: &'a Packet,
    settings: &'static Settings,
    /// The client's address as far as it counts.
    client: [u64; 2],
    /// Where the server is that the client's record names; 0 = none.
    remembered: u32,
}

#[inline(always)]
fn choose(service: &Service, packet: &Packet, chosen: &mut Chosen) -> Result<(), Reason> {
    let settings = service::settings().ok_or(Reason::NoService)?;
    let client = service.masked(packet.client);
    let begins = matches!(packet.segment, Segment::Open | Segment::Datagram);
    let looked = (service.flags & Service::PERSISTENT != 0 && begins)
        .then(|| look_for_client(service, client, settings));
    let question = Question {
        service,
        packet,
        settings,
        client,
        remembered: looked.as_ref().map_or(0, |looked| looked.entry),
    };
    let choice = if service.flags & Service::FLOWS != 0 {
        question.by_flow(chosen)?
    } else {
        question.by_slot(chosen)?
    };
    if let Some(looked) = looked {
        let server = entry(chosen.entry).ok_or(Reason::NoRealServer)?.id;
        let write = rule::of_client(packet.segment, choice, looked.server() == Some(server));
        chosen.client = looked.pending(write, server, chosen.slot, service.table, settings.now);
    }
    Ok(())
}

/// What is remembered of the client.
#[inline(always)]
fn look_for_client(service: &Service, client: [u64; 2], settings: &Settings) -> Looked {
    let key = Key::new(service.table, client, 0, settings.secret);
    Looked::up(Map::Persistence, key, settings, &service.client_timeouts())
}

impl Question<'_> {
    /// A service that keeps a record of each connection.
    #[inline(always)]
    fn by_flow(&self, chosen: &mut Chosen) -> Result<Choice, Reason> {
        let looked = self.look_for_connection(Map::Flows);
        let decision = rule::scheduled(self.packet.segment, looked.found(), self.remembered != 0);
        chosen.entry = match decision.choice {
            Choice::Recorded => looked.entry,
            Choice::Client => self.remembered,
            Choice::Current | Choice::Previous => schedule::next(self.service),
        };
        self.note(chosen, &looked, decision)?;
        Ok(decision.choice)
    }

    /// A service with a table of slots.
    #[inline(always)]
    fn by_slot(&self, chosen: &mut Chosen) -> Result<Choice, Reason> {
        let index = self.index()?;
        let slot: Slot = *TABLES
            .get_value(self.service.table, &index)
            .ok_or(Reason::NoRealServer)?;
        chosen.slot = index;
        chosen.slot_flags = slot.flags().into();
        // Datagrams have no beginning: the client's record decides about each.
        if self.remembered != 0 && matches!(self.packet.segment, Segment::Datagram) {
            chosen.entry = self.remembered;
            return Ok(Choice::Client);
        }
        if slot.flags() == 0 {
            chosen.entry = slot.current();
            return Ok(Choice::Current);
        }
        if self.packet.is_fragment() {
            return Err(Reason::Fragment);
        }
        let looked = self.look_for_connection(Map::Exceptions);
        let (segment, stale) = (self.packet.segment, looked.is_stale());
        let client = self.remembered != 0;
        let decision = rule::unstable(slot, segment, looked.found(), stale, client);
        chosen.entry = match decision.choice {
            Choice::Recorded => looked.entry,
            Choice::Client => self.remembered,
            Choice::Current => slot.current(),
            Choice::Previous => slot.previous(),
        };
        self.note(chosen, &looked, decision)?;
        Ok(decision.choice)
    }

    /// The client's slot.
    #[inline(always)]
    fn index(&self) -> Result<u32, Reason> {
        let size = NonZeroU32::new(TABLE_SIZE.load()).ok_or(Reason::NoRealServer)?;
        let port = self.packet.client_port;
        Ok(self.service.slot(self.client, port, size))
    }

    #[inline(always)]
    fn look_for_connection(&self, map: Map) -> Looked {
        let service = self.service;
        let port = service.record_port(self.packet.client_port);
        let secret = self.settings.secret;
        let key = Key::new(service.table, self.packet.client, port, secret);
        Looked::up(map, key, self.settings, &service.timeouts())
    }

    #[inline(always)]
    fn note(&self, chosen: &mut Chosen, looked: &Looked, decision: Decision) -> Result<(), Reason> {
        let server = entry(chosen.entry).ok_or(Reason::NoRealServer)?;
        let (table, now) = (self.service.table, self.settings.now);
        chosen.connection = looked.pending(decision.write, server.id, chosen.slot, table, now);
        Ok(())
    }
}
