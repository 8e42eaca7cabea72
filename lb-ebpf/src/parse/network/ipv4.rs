//! RFC 791 section 3.1.

use lb_common::layout::v4_words;
use lb_common::reason::Reason;

use super::Network;
use crate::frame::Frame;

pub(in crate::parse) const LENGTH: usize = 2;
pub(in crate::parse) const FRAGMENT: usize = 6;
pub(in crate::parse) const PROTOCOL: usize = 9;
pub(in crate::parse) const SOURCE: usize = 12;
pub(in crate::parse) const DESTINATION: usize = 16;
pub(in crate::parse) const MIN_HEADER: usize = 20;
/// More-fragments bit and fragment offset.
pub(in crate::parse) const FRAGMENT_MASK: u16 = 0x3fff;

#[inline(always)]
pub(in crate::parse) fn parse<'a>(packet: &Frame<'a>) -> Result<Network<'a>, Reason> {
    fields(packet).ok_or(Reason::Malformed)
}

/// Also that of a packet which is quoted: its payload may be cut off.
#[inline(always)]
pub(in crate::parse) fn fields<'a>(packet: &Frame<'a>) -> Option<Network<'a>> {
    let destination: u32 = packet.read(DESTINATION)?;
    let version_length: u8 = packet.read(0)?;
    let header = usize::from(version_length & 0x0f) * 4;
    let length: u16 = packet.read(LENGTH)?;
    let length = u16::from_be(length);
    if version_length >> 4 != 4 || header < MIN_HEADER || usize::from(length) < header {
        return None;
    }
    let fragment: u16 = packet.read(FRAGMENT)?;
    let source: u32 = packet.read(SOURCE)?;
    Some(Network {
        source: v4_words(source),
        destination: v4_words(destination),
        protocol: packet.read(PROTOCOL)?,
        transport: packet.after(header),
        length: u32::from(length),
        fragment: u16::from_be(fragment) & FRAGMENT_MASK != 0,
    })
}
