//! Samples of the connections that clients open: whether another packet follows the SYN.

use aya_ebpf::helpers::bpf_ktime_get_ns;
use lb_common::layout::RealServer;
use lb_common::opened::{self, Flow, Moment, NO_SAMPLE, Sample};
use lb_common::rule::Segment;
use lb_ebpf::parse::Packet;

use crate::maps::{OPENED, SAMPLE_MASK};

/// A packet of TCP or UDP that is sent on to `server`.
#[inline(always)]
pub(crate) fn sample(server: &RealServer, packet: &Packet) {
    let mask = SAMPLE_MASK.load();
    if mask == NO_SAMPLE {
        return;
    }
    if opened::is_sampled(packet.client_port, mask) {
        let flow = Flow::new(packet.client, packet.client_port);
        let segment = packet.segment as u32;
        note_sample(flow.word(), server.table, server.id, segment);
    }
}

/// 1 if something was written. Exported, so that the verifier looks at it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn note_sample(flow: u64, table: u32, server: u32, segment: u32) -> u32 {
    let tag = Flow::from_word(flow).with_service(table);
    let Some(place) = OPENED.get(tag.place()) else {
        return 0;
    };
    let seen = place.word.load();
    let new = if segment == Segment::Open as u32 {
        if !opened::takes(seen, server, tag) {
            return 0;
        }
        // SAFETY: the helper has no preconditions.
        let now = Moment::from_nanoseconds(unsafe { bpf_ktime_get_ns() });
        Sample::new(server, tag, now)
    } else if segment == Segment::Datagram as u32 || segment == Segment::Quote as u32 {
        return 0;
    } else {
        match opened::follow(seen, tag) {
            Some(followed) => followed,
            None => return 0,
        }
    };
    // Who was faster is sampled as well.
    u32::from(place.word.exchange(seen, new.word()))
}
