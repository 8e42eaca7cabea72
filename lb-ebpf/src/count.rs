//! Counting, per CPU and without locks.

use lb_common::layout::RealServer;
use lb_common::reason::{Note, Reason};
use lb_common::trace::Unseen;
use lb_ebpf::parse::Packet;

use crate::maps::{COUNTERS, NOTES, REASONS, TRACE_UNSEEN};

/// A packet left to the kernel.
#[inline(always)]
pub(crate) fn passed(reason: Reason) {
    if let Some(count) = REASONS.get_ptr_mut(reason as u32) {
        // SAFETY: the entry is this CPU's own.
        unsafe { (*count).packets += 1 };
    }
}

/// A packet sent on although something was missing.
#[inline(always)]
pub(crate) fn noted(note: Note) {
    if let Some(count) = NOTES.get_ptr_mut(note as u32) {
        // SAFETY: the entry is this CPU's own.
        unsafe { (*count).packets += 1 };
    }
}

/// A packet that `lvx trace` asked for and does not get.
#[inline(always)]
pub(crate) fn unseen(why: Unseen) -> u32 {
    if let Some(count) = TRACE_UNSEEN.get_ptr_mut(why as u32) {
        // SAFETY: the entry is this CPU's own.
        unsafe { (*count).packets += 1 };
    }
    0
}

/// A packet sent on to `server`.
#[inline(always)]
pub(crate) fn forwarded(server: &RealServer, packet: &Packet) {
    if let Some(counter) = COUNTERS.get_ptr_mut(server.id) {
        // SAFETY: the entry is this CPU's own.
        let counter = unsafe { &mut *counter };
        counter.packets += 1;
        counter.bytes += u64::from(packet.ip_length());
        counter.connections += u64::from(packet.opens());
    }
}
