//! From a frame to the service it asks for.

use lb_common::index::IndexKey;
use lb_common::layout::v4_words;
use lb_common::reason::Reason;

use crate::frame::Frame;

const ETHERTYPE: usize = 12;
const ETHERTYPE_IPV4: u16 = 0x0800;
const IP: usize = 14;
const IP_LENGTH: usize = IP + 2;
const IP_FRAGMENT: usize = IP + 6;
const IP_PROTOCOL: usize = IP + 9;
const IP_SOURCE: usize = IP + 12;
const IP_DESTINATION: usize = IP + 16;
const MIN_HEADER: usize = 20;
const TCP: u8 = 6;
const UDP: u8 = 17;
const DESTINATION_PORT: usize = 2;
const TCP_FLAGS: usize = 13;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
/// More-fragments bit and fragment offset (RFC 791 section 3.1).
const FRAGMENT_MASK: u16 = 0x3fff;

/// What the choice of a real server needs to know of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Address, port and protocol the packet is sent to.
    pub service: IndexKey,
    /// Client's address, in words.
    pub client: [u64; 2],
    /// Total length field of the IP header.
    pub ip_length: u16,
    /// TCP with SYN and without ACK: a new connection.
    pub opens: bool,
}

/// Reads Ethernet, IPv4 with any options, and TCP or UDP.
///
/// # Errors
/// The reason for which the packet is the kernel's.
#[inline(always)]
pub fn parse(frame: &Frame<'_>) -> Result<Packet, Reason> {
    if frame.read(ETHERTYPE).map(u16::from_be) != Some(ETHERTYPE_IPV4) {
        return Err(Reason::NotIp);
    }
    // The first field that is read is the last one of the header: one bound for them all.
    let destination: u32 = frame.read(IP_DESTINATION).ok_or(Reason::Malformed)?;
    let version_length: u8 = frame.read(IP).ok_or(Reason::Malformed)?;
    let header = usize::from(version_length & 0x0f) * 4;
    if version_length >> 4 != 4 || header < MIN_HEADER {
        return Err(Reason::Malformed);
    }
    let protocol: u8 = frame.read(IP_PROTOCOL).ok_or(Reason::Malformed)?;
    if protocol != TCP && protocol != UDP {
        return Err(Reason::OtherProtocol);
    }
    let fragment: u16 = frame.read(IP_FRAGMENT).ok_or(Reason::Malformed)?;
    if u16::from_be(fragment) & FRAGMENT_MASK != 0 {
        return Err(Reason::Fragment);
    }
    let l4 = IP + header;
    let port: u16 = frame.read(l4 + DESTINATION_PORT).ok_or(Reason::Malformed)?;
    let opens = if protocol == TCP {
        let flags: u8 = frame.read(l4 + TCP_FLAGS).ok_or(Reason::Malformed)?;
        flags & (SYN | ACK) == SYN
    } else {
        false
    };
    let source: u32 = frame.read(IP_SOURCE).ok_or(Reason::Malformed)?;
    let ip_length: u16 = frame.read(IP_LENGTH).ok_or(Reason::Malformed)?;
    Ok(Packet {
        service: IndexKey::new(v4_words(destination), u16::from_be(port), protocol),
        client: v4_words(source),
        ip_length: u16::from_be(ip_length),
        opens,
    })
}

#[cfg(test)]
mod tests;
