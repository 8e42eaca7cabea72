//! IPv4 and IPv6 headers.

use crate::frame::Frame;

pub(super) mod ipv4;
pub(super) mod ipv6;

/// What an IP header says.
pub(super) struct Network<'a> {
    /// Addresses in words, IPv4 as v4-mapped.
    pub(super) source: [u64; 2],
    pub(super) destination: [u64; 2],
    /// That of the payload, behind extension headers.
    pub(super) protocol: u8,
    /// The payload, as far as it is there.
    pub(super) transport: Frame<'a>,
    /// Of the whole IP packet.
    pub(super) length: u32,
    /// Part of a packet, the first one or another.
    pub(super) fragment: bool,
}
