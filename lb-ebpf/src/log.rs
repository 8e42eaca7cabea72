//! Messages in the daemon's log, by aya-log. Nothing of it is left in the program while they are
//! off.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::programs::XdpContext;
use aya_log_ebpf::{debug, warn};
use lb_common::reason::Reason;
use lb_ebpf::parse::Packet;

use crate::Verdict;

/// Says what is left to the kernel: what ought not to happen as a warning.
#[inline(always)]
pub(crate) fn tell(context: *mut xdp_md, packet: &Packet, verdict: &Verdict) {
    if let Verdict::Pass(reason) = verdict {
        let wrong = matches!(
            reason,
            Reason::NoRealServer | Reason::NoEgress | Reason::OtherVlan
        );
        write_message(context, packet, *reason as u32, u32::from(wrong));
    }
}

#[inline(never)]
fn write_message(context: *mut xdp_md, packet: &Packet, reason: u32, wrong: u32) -> u32 {
    let context = &XdpContext::new(context);
    let [high, low] = packet.client;
    let (port, length) = (packet.client_port, packet.ip_length());
    let target = packet.service.port_protocol;
    if wrong != 0 {
        warn!(
            context,
            "left to the kernel, reason {}: client {:x}{:x} port {}, service {:x}, {} bytes",
            reason,
            high,
            low,
            port,
            target,
            length
        );
    } else {
        debug!(
            context,
            "left to the kernel, reason {}: client {:x}{:x} port {}, service {:x}, {} bytes",
            reason,
            high,
            low,
            port,
            target,
            length
        );
    }
    0
}
