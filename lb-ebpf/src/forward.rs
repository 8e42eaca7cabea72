//! The path of a packet: service, slot, real server, rewrite.

use core::num::NonZeroU32;

use aya_ebpf::programs::XdpContext;
use lb_common::hash::word_of;
use lb_common::index::IndexKey;
use lb_common::layout::{RealServer, Service, words};
use lb_common::maglev::slot;
use lb_common::reason::Reason;
use lb_ebpf::frame::Frame;
use lb_ebpf::mac;
use lb_ebpf::parse::{Packet, parse};

use crate::count;
use crate::maps::{INTERFACE_MAP, REAL_SERVERS, SERVICE_INDEX, TABLE_SIZE, TABLES, TX_PORTS};

/// `bpf_redirect_map` returns the low bits of its flags when there is no such port: XDP_PASS.
const PASS_WITHOUT_PORT: u64 = aya_ebpf::bindings::xdp_action::XDP_PASS as u64;

/// What becomes of a packet.
pub(crate) enum Verdict {
    /// Back out of the interface it came from.
    Transmit,
    /// Out of another interface.
    Redirect,
    /// To the kernel.
    Pass(Reason),
}

#[inline(always)]
pub(crate) fn forward(context: &XdpContext) -> Verdict {
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    let frame = unsafe { Frame::new(context.data(), context.data_end()) };
    match decide(context, &frame) {
        Ok(verdict) => verdict,
        Err(reason) => Verdict::Pass(reason),
    }
}

#[inline(always)]
fn decide(context: &XdpContext, frame: &Frame<'_>) -> Result<Verdict, Reason> {
    let packet = parse(frame)?;
    let service = service(&packet.service).ok_or(Reason::NoService)?;
    if service.flags & Service::ACTIVE == 0 {
        return Err(Reason::Inactive);
    }
    let server = choose(service, &packet).ok_or(Reason::NoRealServer)?;
    if server.flags & RealServer::LOCAL != 0 {
        return Err(Reason::Local);
    }
    let header = frame.at::<mac::Header>(0).ok_or(Reason::Malformed)?;
    // SAFETY: inside the frame, and this is BPF code.
    let destination = unsafe { mac::Destination::read(header) };
    let source = mac::Source::of_server(server);
    let ingress = context.ingress_ifindex() as u32;
    // A switch may flood frames meant for others, those we rewrote ourselves among them.
    let verdict = if server.ifindex == ingress {
        if !source.is(destination) {
            return Err(Reason::NotOurMac);
        }
        Verdict::Transmit
    } else {
        // SAFETY: the entry is only read; the daemon replaces it as a whole.
        let interface = unsafe { INTERFACE_MAP.get(ingress) };
        if interface.is_none_or(|one| mac::Destination::of_interface(one) != destination) {
            return Err(Reason::NotOurMac);
        }
        TX_PORTS
            .redirect(server.ifindex, PASS_WITHOUT_PORT)
            .map_err(|_action| Reason::NoEgress)?;
        Verdict::Redirect
    };
    // SAFETY: inside the frame, which XDP programs may write, and this is BPF code.
    unsafe { mac::write(header, mac::Destination::of_server(server), source) };
    count::forwarded(server, &packet);
    Ok(verdict)
}

/// The one lookup of a service.
#[inline(always)]
fn service(key: &IndexKey) -> Option<&'static Service> {
    let [first, second] = key.places();
    let at = |place: u32| {
        let entry = SERVICE_INDEX.get_value(0, &place)?;
        (entry.key == *key).then_some(&entry.service)
    };
    at(first).or_else(|| at(second))
}

/// The real server of the client's slot.
#[inline(always)]
fn choose(service: &Service, packet: &Packet) -> Option<&'static RealServer> {
    let mask = words(service.client_mask);
    let client = [packet.client[0] & mask[0], packet.client[1] & mask[1]];
    let index = slot(word_of(client, 0), NonZeroU32::new(TABLE_SIZE.load())?);
    match TABLES.get_value(service.table, &index)?.current() {
        0 => None,
        server => REAL_SERVERS.get(server),
    }
}
