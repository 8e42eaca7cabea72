//! The path of everything that `fast` does not know: it can do all.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::programs::XdpContext;
use lb_common::layout::{RealServer, Service};
use lb_common::reason::Reason;
use lb_ebpf::frame::{Frame, opaque};
use lb_ebpf::parse::{Packet, any, plain};
use lb_ebpf::vlan;

use crate::choose::{Chosen, choose_server, remember};
use crate::maps::{PROGRAM_LOG, TRACE};
use crate::records::entry;
use crate::service::find_service;
use crate::{Verdict, carry_out, count, egress, log, opened, service, trace};

/// A frame in one piece.
#[inline(never)]
pub(crate) fn whole(context: *mut xdp_md) -> u32 {
    carry_out(forward(context, 0))
}

/// A frame of which only the first buffer can be read.
#[inline(never)]
pub(crate) fn in_pieces(context: *mut xdp_md) -> u32 {
    // SAFETY: the context is this program's own.
    let length = unsafe { bpf_xdp_get_buff_len(context) };
    carry_out(forward(context, length as u32))
}

#[inline(always)]
fn forward(context: *mut xdp_md, length: u32) -> Verdict {
    let mut packet = Packet::EMPTY;
    let mut chosen = Chosen::default();
    let verdict = match decide(context, length, &mut packet, &mut chosen) {
        Ok(verdict) => verdict,
        Err(reason) => Verdict::Pass(reason),
    };
    if TRACE.load() != 0 {
        trace::show(context, &packet, &chosen, &verdict);
    }
    if PROGRAM_LOG.load() != 0 {
        log::tell(context, &packet, &verdict);
    }
    verdict
}

#[inline(always)]
fn frame(context: *mut xdp_md) -> Frame<'static> {
    let context = XdpContext::new(context);
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    unsafe { Frame::new(context.data(), context.data_end()) }
}

/// Fills `packet`; 0, or the number of the reason plus 1. `length` is the whole frame's, 0 if it
/// is in one piece.
#[inline(never)]
fn parse_packet(context: *mut xdp_md, packet: &mut Packet, length: u32) -> u32 {
    // Else the compiler passes what is read from the context in its place, and not as pointers.
    let context = opaque(context as usize) as *mut xdp_md;
    let frame = frame(context);
    let length = if length == 0 {
        frame.length()
    } else {
        length as usize
    };
    if let Some(parsed) = plain(&frame, length) {
        packet.take_over(&parsed);
        return 0;
    }
    match any(&frame, length) {
        Ok(parsed) => {
            packet.take_over(&parsed);
            0
        }
        Err(reason) => reason as u32 + 1,
    }
}

/// Changes nothing, but neither the compiler nor the verifier know: behind the call the verifier
/// has forgotten what each way through the headers had found out, and follows one of them to the
/// end of the program instead of all.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn forget_ways(packet: *mut Packet) -> u32 {
    if packet.is_null() {
        return 1;
    }
    let first = packet.cast::<u64>();
    // SAFETY: the caller's own packet, which begins with a whole word.
    unsafe { first.write_volatile(first.read_volatile()) };
    0
}

#[inline(always)]
fn decide(
    context: *mut xdp_md,
    length: u32,
    packet: &mut Packet,
    chosen: &mut Chosen,
) -> Result<Verdict, Reason> {
    if let Some(reason) = parse_packet(context, packet, length).checked_sub(1) {
        return Err(Reason::from_number(reason));
    }
    if forget_ways(packet) != 0 {
        return Err(Reason::Malformed);
    }
    let found = find_service(&raw const packet.service);
    let service = service::at(found, &packet.service).ok_or(if packet.is_fragment() {
        Reason::Fragment
    } else {
        Reason::NoService
    })?;
    if service.flags & Service::ACTIVE == 0 {
        return Err(Reason::Inactive);
    }
    if let Some(reason) = choose_server(service, packet, chosen).checked_sub(1) {
        return Err(Reason::from_number(reason));
    }
    let server = entry(chosen.entry).ok_or(Reason::NoRealServer)?;
    if server.flags & RealServer::LOCAL != 0 {
        remember(chosen, service.flags);
        return Err(Reason::Local);
    }
    let tags = vlan::tags(server);
    if packet.tags() != tags {
        return Err(Reason::OtherVlan);
    }
    let frame = frame(context);
    let egress = egress::find(&XdpContext::new(context), &frame, server)?;
    if chosen.changes_records() {
        remember(chosen, service.flags);
    }
    vlan::rewrite(&frame, server, tags);
    let verdict = egress.rewrite(server);
    count::forwarded(server, packet);
    if packet.is_tcp() {
        opened::sample(server, packet);
    }
    Ok(verdict)
}
