//! Packets of probes, as far as their addresses are to be changed.

use lb_common::layout::v4_mapped;
use lb_common::probe::{Address, Answer, Talk};

use crate::parse::ETHERNET;

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
/// Where the IP header begins: a tag is not in the frame that these programs see.
pub const IP: usize = ETHERNET;
/// An IPv4 header without options.
pub type Head4 = Head<20>;
/// An IPv6 header.
pub type Head6 = Head<40>;

/// The beginning of an IP header, aligned as the kernel wants what lies on the stack.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy)]
pub struct Head<const N: usize>(pub [u8; N]);

/// Where the IPv4 header's checksum lies.
pub const V4_CHECKSUM: usize = IP + 10;

/// The head of a TCP segment or UDP datagram that is in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub ipv4: bool,
    pub source: Address,
    pub destination: Address,
    pub protocol: u8,
    /// Where the TCP or UDP header lies.
    pub transport: usize,
}

#[inline(always)]
fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut taken = [0; N];
    taken.copy_from_slice(&bytes[at..at + N]);
    taken
}

/// `None`: of another protocol, a fragment, or no such packet at all.
#[inline(always)]
#[must_use]
pub fn ipv4(Head(head): &Head4) -> Option<Packet> {
    const NOT_WHOLE: u16 = 0x3fff;
    let length = head[0] & 0xf;
    let fragment = u16::from_be_bytes(take(head, 6)) & NOT_WHOLE;
    let protocol = head[9];
    let ours = protocol == TCP || protocol == UDP;
    if head[0] >> 4 != 4 || length < 5 || fragment != 0 || !ours {
        return None;
    }
    let address = |at| Address {
        bytes: v4_mapped(take(head, at)),
    };
    Some(Packet {
        ipv4: true,
        source: address(12),
        destination: address(16),
        protocol,
        transport: IP + (length as usize) * 4,
    })
}

/// The same for IPv6. Probes have no extension headers, nor have the answers to them.
#[inline(always)]
#[must_use]
pub fn ipv6(Head(head): &Head6) -> Option<Packet> {
    let protocol = head[6];
    let ours = protocol == TCP || protocol == UDP;
    if head[0] >> 4 != 6 || !ours {
        return None;
    }
    let address = |at| Address {
        bytes: take(head, at),
    };
    Some(Packet {
        ipv4: false,
        source: address(8),
        destination: address(24),
        protocol,
        transport: IP + head.len(),
    })
}

impl Packet {
    /// Where its TCP or UDP checksum lies.
    #[inline(always)]
    #[must_use]
    pub const fn checksum(&self) -> usize {
        self.transport + if self.protocol == TCP { 16 } else { 6 }
    }

    /// Where its source address lies.
    #[inline(always)]
    #[must_use]
    pub const fn source_at(&self) -> usize {
        IP + if self.ipv4 { 12 } else { 8 }
    }

    /// Where its destination address lies.
    #[inline(always)]
    #[must_use]
    pub const fn destination_at(&self) -> usize {
        IP + if self.ipv4 { 16 } else { 24 }
    }

    /// The answer to it, if it asks for this virtual address, from the server with this MAC.
    #[inline(always)]
    #[must_use]
    pub const fn answer(&self, ports: Ports, virtual_address: Address, mac: u64) -> Answer {
        Answer {
            local: self.source,
            virtual_address,
            mac,
            local_port: ports.source,
            port: ports.destination,
            protocol: self.protocol,
            reserved: [0; 3],
        }
    }

    /// What it is, if it is an answer from the server with this MAC.
    #[inline(always)]
    #[must_use]
    pub const fn as_answer(&self, ports: Ports, mac: u64) -> Answer {
        Answer {
            local: self.destination,
            virtual_address: self.source,
            mac,
            local_port: ports.destination,
            port: ports.source,
            protocol: self.protocol,
            reserved: [0; 3],
        }
    }

    /// The connection that it belongs to, as the stack that sends it knows it.
    #[inline(always)]
    #[must_use]
    pub const fn talk(&self, ports: Ports) -> Talk {
        Talk {
            local: self.source,
            server: self.destination,
            local_port: ports.source,
            port: ports.destination,
            protocol: self.protocol,
            reserved: [0; 3],
        }
    }

    /// What it answers to, if it comes from the address that the stack knows.
    #[inline(always)]
    #[must_use]
    pub const fn answered_talk(&self, ports: Ports) -> Talk {
        Talk {
            local: self.destination,
            server: self.source,
            local_port: ports.destination,
            port: ports.source,
            protocol: self.protocol,
            reserved: [0; 3],
        }
    }
}

/// Of a packet, in host order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    pub source: u16,
    pub destination: u16,
}

impl Ports {
    /// From the first bytes of a TCP or UDP header.
    #[inline(always)]
    #[must_use]
    pub const fn read([a, b, c, d]: [u8; 4]) -> Self {
        Self {
            source: u16::from_be_bytes([a, b]),
            destination: u16::from_be_bytes([c, d]),
        }
    }
}

/// Whether the flags of a TCP header are those of a segment that opens a connection.
#[inline(always)]
#[must_use]
pub const fn opens(flags: u8) -> bool {
    const SYN: u8 = 1 << 1;
    const ACK: u8 = 1 << 4;
    flags & (SYN | ACK) == SYN
}

#[cfg(test)]
mod tests;
