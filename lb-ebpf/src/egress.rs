//! Sending a frame on to its real server: whether it is ours, and its new addresses.

use aya_ebpf::programs::XdpContext;
use lb_common::layout::RealServer;
use lb_common::reason::Reason;
use lb_ebpf::frame::Frame;
use lb_ebpf::mac;

use crate::Verdict;
use crate::maps::{INTERFACE_MAP, TX_PORTS};

/// `bpf_redirect_map` returns the low bits of its flags when there is no such port: XDP_PASS.
const PASS_WITHOUT_PORT: u64 = aya_ebpf::bindings::xdp_action::XDP_PASS as u64;

/// How a frame leaves.
pub(crate) struct Egress {
    pub(crate) verdict: Verdict,
    header: *mut mac::Header,
}

/// Finds out how the frame leaves. Nothing is changed yet.
#[inline(always)]
pub(crate) fn find(
    context: &XdpContext,
    frame: &Frame<'_>,
    server: &RealServer,
) -> Result<Egress, Reason> {
    let header = frame.at::<mac::Header>(0).ok_or(Reason::Malformed)?;
    // SAFETY: inside the frame, and this is BPF code.
    let destination = unsafe { mac::Destination::read(header) };
    let ingress = context.ingress_ifindex() as u32;
    // A switch may flood frames meant for others, those we rewrote ourselves among them.
    if server.ifindex == ingress {
        if !mac::Source::of_server(server).is(destination) && !is_virtual(server, destination) {
            return Err(Reason::NotOurMac);
        }
        return Ok(Egress {
            verdict: Verdict::Transmit,
            header,
        });
    }
    // SAFETY: the entry is only read; the daemon replaces it as a whole.
    let interface = unsafe { INTERFACE_MAP.get(ingress) }.ok_or(Reason::NotOurMac)?;
    if mac::Destination::of_interface(interface) != destination && !is_virtual(server, destination)
    {
        return Err(Reason::NotOurMac);
    }
    TX_PORTS
        .redirect(server.ifindex, PASS_WITHOUT_PORT)
        .map_err(|_action| Reason::NoEgress)?;
    Ok(Egress {
        verdict: Verdict::Redirect,
        header,
    })
}

/// Whether the frame is for the virtual router of the server's service. Asked only about frames
/// that are not for the interface itself: the others do not pay for it.
#[inline(always)]
fn is_virtual(server: &RealServer, destination: mac::Destination) -> bool {
    mac::Destination::of_virtual_router(server).is_some_and(|mac| mac == destination)
}

impl Egress {
    /// Addresses the frame to the real server.
    #[inline(always)]
    pub(crate) fn rewrite(self, server: &RealServer) -> Verdict {
        let destination = mac::Destination::of_server(server);
        let source = mac::Source::of_server(server);
        // SAFETY: inside the frame, which XDP programs may write, and this is BPF code.
        unsafe { mac::write(self.header, destination, source) };
        self.verdict
    }
}
