//! VLAN tags: those of the real server's network.

use lb_common::layout::RealServer;

use crate::frame::Frame;
use crate::parse::{ETHERNET, TAG};

/// The bits of a tag that are not the VLAN's id: priority and drop eligibility (IEEE 802.1Q
/// section 9.6).
const NOT_ID: u16 = 0xf000;

/// Tags that frames to a real server carry.
#[inline(always)]
#[must_use]
pub const fn tags(server: &RealServer) -> u32 {
    (server.vlan != 0) as u32 + (server.inner_vlan != 0) as u32
}

/// Moves a frame that has `tags` tags into the real server's VLANs.
#[inline(always)]
pub fn rewrite(frame: &Frame<'_>, server: &RealServer, tags: u32) {
    if tags > 0 {
        set(frame, ETHERNET, server.vlan);
    }
    if tags > 1 {
        set(frame, ETHERNET + TAG, server.inner_vlan);
    }
}

#[inline(always)]
fn set(frame: &Frame<'_>, at: usize, id: u16) {
    if let Some(tag) = frame.at::<u16>(at) {
        // SAFETY: inside the frame, which XDP programs may write.
        unsafe {
            let bits = u16::from_be(tag.read_unaligned()) & NOT_ID;
            tag.write_unaligned((bits | id).to_be());
        }
    }
}
