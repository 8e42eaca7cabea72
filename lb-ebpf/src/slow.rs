//! The path of everything that `fast` does not know: it can do all.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::programs::XdpContext;
use lb_common::layout::{RealServer, Service};
use lb_common::reason::Reason;
use lb_ebpf::frame::Frame;
use lb_ebpf::parse::{Packet, any};
use lb_ebpf::vlan;

use crate::maps::{PROGRAM_LOG, TRACE};
use crate::trace::Way;
use crate::{Verdict, carry_out, choose, count, egress, log, service, trace};

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
    let mut way = Way::default();
    let verdict = match decide(context, length, &mut packet, &mut way) {
        Ok(verdict) => verdict,
        Err(reason) => Verdict::Pass(reason),
    };
    if TRACE.load() != 0 {
        trace::show(context, &packet, &way, &verdict);
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
///
/// Exported, so that the verifier does not follow each way through the headers to the end of the
/// program: behind the call it knows nothing of the packet but that it is there.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn parse_packet(
    context: *mut xdp_md,
    packet: *mut Packet,
    length: u32,
) -> u32 {
    if packet.is_null() {
        return Reason::Malformed as u32 + 1;
    }
    let frame = frame(context);
    let length = if length == 0 {
        frame.length()
    } else {
        length as usize
    };
    match any(&frame, length) {
        Ok(parsed) => {
            // SAFETY: the caller's own, and not null.
            unsafe { packet.write(parsed) };
            0
        }
        Err(reason) => reason as u32 + 1,
    }
}

#[inline(always)]
fn decide(
    context: *mut xdp_md,
    length: u32,
    packet: &mut Packet,
    way: &mut Way,
) -> Result<Verdict, Reason> {
    if let Some(reason) = parse_packet(context, packet, length).checked_sub(1) {
        return Err(Reason::from_number(reason));
    }
    let service = service::find(&packet.service)?;
    if service.flags & Service::ACTIVE == 0 {
        return Err(Reason::Inactive);
    }
    let chosen = choose::choose(service, packet, way)?;
    let server = chosen.server;
    way.server = server.id;
    if server.flags & RealServer::LOCAL != 0 {
        chosen.commit(service);
        return Err(Reason::Local);
    }
    if packet.tags != vlan::tags(server) {
        return Err(Reason::OtherVlan);
    }
    let frame = frame(context);
    let egress = egress::find(&XdpContext::new(context), &frame, server)?;
    chosen.commit(service);
    vlan::rewrite(&frame, server, packet.tags);
    let verdict = egress.rewrite(server);
    count::forwarded(server, packet);
    Ok(verdict)
}
