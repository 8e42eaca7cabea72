//! RFC 8200 sections 3 and 4.

use lb_common::reason::Reason;

use super::Network;
use crate::frame::{Frame, forget_number};

pub(in crate::parse) const PAYLOAD: usize = 4;
pub(in crate::parse) const NEXT_HEADER: usize = 6;
pub(in crate::parse) const SOURCE: usize = 8;
pub(in crate::parse) const DESTINATION: usize = 24;
pub(in crate::parse) const HEADER: usize = 40;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
/// Extension headers that are walked.
const MAX_EXTENSIONS: usize = 6;
/// Longest way through them, with the fixed header, and the bits of such a length.
const MAX_LENGTH: usize = LENGTH_MASK;
const LENGTH_MASK: usize = 0x7fc;
const FRAGMENT_HEADER: usize = 8;
const FRAGMENT_OFFSET: usize = 2;
/// Fragment offset and more-fragments bit.
const FRAGMENT_MASK: u16 = 0xfff9;

/// The fixed header.
#[inline(always)]
pub(in crate::parse) fn fields<'a>(packet: &Frame<'a>) -> Option<Network<'a>> {
    let destination = packet.words(DESTINATION)?;
    let version: u8 = packet.read(0)?;
    if version >> 4 != 6 {
        return None;
    }
    let payload: u16 = packet.read(PAYLOAD)?;
    Some(Network {
        source: packet.words(SOURCE)?,
        destination,
        protocol: packet.read(NEXT_HEADER)?,
        transport: packet.after(HEADER),
        length: u32::from(u16::from_be(payload)) + HEADER as u32,
        fragment: false,
    })
}

#[inline(always)]
pub(in crate::parse) const fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
    )
}

#[inline(always)]
pub(in crate::parse) fn parse<'a>(packet: &Frame<'a>) -> Result<Network<'a>, Reason> {
    let mut network = fields(packet).ok_or(Reason::Malformed)?;
    // A jumbogram, or nothing at all.
    if network.length == HEADER as u32 {
        return Err(Reason::Malformed);
    }
    let mut length = HEADER;
    for _ in 0..MAX_EXTENSIONS {
        // The rest of a packet that was cut in pieces is no header.
        if !is_extension(network.protocol) || network.fragment {
            return Ok(network);
        }
        length += extension(&mut network).ok_or(Reason::Malformed)?;
        if length > MAX_LENGTH {
            return Err(Reason::ExtensionHeaders);
        }
        length = forget_number(length as u32) as usize & LENGTH_MASK;
        network.transport = packet.after(length);
    }
    if is_extension(network.protocol) {
        return Err(Reason::ExtensionHeaders);
    }
    Ok(network)
}

/// Reads one extension header; its length.
#[inline(always)]
fn extension(network: &mut Network<'_>) -> Option<usize> {
    let header = &network.transport;
    let [next, units] = header.read::<u16>(0)?.to_ne_bytes();
    let length = match network.protocol {
        FRAGMENT => {
            // The whole header has to be there.
            let _identification: u32 = header.read(FRAGMENT_HEADER - 4)?;
            let offset: u16 = header.read(FRAGMENT_OFFSET)?;
            network.fragment = u16::from_be(offset) & FRAGMENT_MASK != 0;
            FRAGMENT_HEADER
        }
        // In units of four bytes, less two (RFC 4302 section 2.2).
        AUTHENTICATION => (usize::from(units) + 2) * 4,
        _ => (usize::from(units) + 1) * 8,
    };
    network.protocol = next;
    Some(length)
}
