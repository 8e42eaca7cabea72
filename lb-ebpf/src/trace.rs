//! Showing decisions to `lvx trace`. Nothing of it is left in the program while nobody watches.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::bpf_ktime_get_ns;
use lb_common::atomic;
use lb_common::trace::{Event, Filter, Outcome, Unseen};
use lb_ebpf::parse::Packet;

use crate::choose::Chosen;
use crate::maps::{TRACE_EVENTS, TRACE_FILTER};
use crate::records::entry;
use crate::{Verdict, count};

#[inline(always)]
pub(crate) fn show(context: *mut xdp_md, packet: &Packet, chosen: &Chosen, verdict: &Verdict) {
    let outcome = match verdict {
        Verdict::Transmit => Outcome::TRANSMITTED,
        Verdict::Redirect => Outcome::REDIRECTED,
        Verdict::Pass(reason) => Outcome::passed(*reason),
    };
    // SAFETY: the context is this program's own.
    let ifindex = unsafe { (*context).ingress_ifindex };
    write_event(packet, chosen, outcome.0.into(), ifindex);
}

/// A function of its own, for the room on the stack.
#[inline(never)]
fn write_event(packet: &Packet, chosen: &Chosen, outcome: u32, ifindex: u32) -> u32 {
    let event = Event {
        // SAFETY: the helper has no preconditions.
        time: unsafe { bpf_ktime_get_ns() },
        service: packet.service,
        client: packet.client,
        client_port: packet.client_port,
        segment: packet.segment as u8,
        outcome: Outcome(outcome as u8),
        server: entry(chosen.entry).map_or(0, |server| server.id),
        slot: chosen.slot,
        slot_flags: chosen.slot_flags as u32,
        ifindex,
        ip_length: packet.ip_length(),
    };
    let Some(filter) = TRACE_FILTER.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: the daemon changes it word by word; half a change shows a packet too many.
    let wanted = unsafe { &*filter };
    // Several processors may take it below 0.
    if !matches(wanted, &event) {
        return 0;
    }
    if wanted.budget as i32 <= 0 {
        return count::unseen(Unseen::OverRate);
    }
    // SAFETY: map values are aligned, and the number is changed by atomic operations only.
    unsafe { atomic::add(&raw mut (*filter).budget, u32::MAX) };
    match TRACE_EVENTS.output(event, 0) {
        Ok(()) => 0,
        Err(_) => count::unseen(Unseen::NoRoom),
    }
}

#[inline(always)]
fn matches(filter: &Filter, event: &Event) -> bool {
    let wants = |flag: u32| filter.flags & flag != 0;
    let client = || {
        let [a, b] = filter.client_mask;
        [event.client[0] & a, event.client[1] & b] == filter.client
    };
    (!wants(Filter::PASSED) || event.outcome.reason().is_some())
        && (!wants(Filter::SERVICE) || event.service == filter.service)
        && (!wants(Filter::CLIENT) || client())
}
