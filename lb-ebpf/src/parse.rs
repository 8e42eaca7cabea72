//! From a frame to the service it asks for.
//!
//! [`plain_ipv4`] and [`plain_ipv6`] read what nearly all packets are, with offsets that are
//! constants; [`any`] reads everything, and says why a packet is the kernel's.

use lb_common::index::IndexKey;
use lb_common::layout::v4_words;
use lb_common::reason::Reason;
use lb_common::rule::Segment;

use crate::frame::Frame;

mod link;
mod network;
mod quoted;
mod transport;

pub(crate) use link::TAG;
use network::Network;
use transport::{TCP, UDP};

pub(crate) const ETHERNET: usize = 14;
const ETHERTYPE: usize = 12;
pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;

/// What the choice of a real server needs to know of a packet.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// Address, port and protocol the packet is sent to.
    pub service: IndexKey,
    /// Client's address, in words.
    pub client: [u64; 2],
    // The compiler writes neighbours at once, and the verifier wants whole words on the stack: so
    // nothing lies across two of them.
    /// Length of the IP packet, by its header, and above its 32 bits the number of VLAN tags.
    length_tags: u64,
    /// 0 for fragments.
    pub client_port: u16,
    pub segment: Segment,
}

impl Packet {
    /// Of nobody, to be filled.
    pub const EMPTY: Self = Self {
        service: IndexKey::new([0; 2], 0, 0),
        client: [0; 2],
        client_port: 0,
        segment: Segment::Data,
        length_tags: 0,
    };

    #[inline(always)]
    #[must_use]
    pub const fn is_fragment(&self) -> bool {
        self.service.fragments != 0
    }

    /// Length of the IP packet, by its header.
    #[inline(always)]
    #[must_use]
    pub const fn ip_length(&self) -> u32 {
        self.length_tags as u32
    }

    /// VLAN tags before the IP header.
    #[inline(always)]
    #[must_use]
    pub const fn tags(&self) -> u32 {
        (self.length_tags >> 32) as u32
    }

    /// Takes over what was parsed, word by word: of addresses the compiler knows a half, would
    /// write it together with its neighbour's, and the verifier wants whole words on the stack.
    #[inline(always)]
    pub fn take_over(&mut self, parsed: &Self) {
        let words = |address: &mut [u64; 2], from: [u64; 2]| {
            for (to, from) in address.iter_mut().zip(from) {
                // SAFETY: a live reference.
                unsafe { (&raw mut *to).write_volatile(from) };
            }
        };
        words(&mut self.service.address, parsed.service.address);
        words(&mut self.client, parsed.client);
        self.service.port_protocol = parsed.service.port_protocol;
        self.service.fragments = parsed.service.fragments;
        self.length_tags = parsed.length_tags;
        self.client_port = parsed.client_port;
        self.segment = parsed.segment;
    }

    /// Whether it is shorter than it says, in an untagged frame of this length.
    #[inline(always)]
    #[must_use]
    pub const fn is_cut_off(&self, frame: usize) -> bool {
        self.ip_length() as usize > frame - ETHERNET
    }

    /// Counts as a new connection.
    #[inline(always)]
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(self.segment, Segment::Open)
    }
}

/// The frame's type of payload, as it is without VLAN tags.
#[inline(always)]
#[must_use]
pub fn ethertype(frame: &Frame<'_>) -> Option<u16> {
    frame.read(ETHERTYPE).map(u16::from_be)
}

/// TCP or UDP over IPv4, without VLAN tags or fragmentation. Of the segment it is only told
/// whether it opens a connection, and nothing is known of the packet's length. `None`: for
/// [`any`].
#[inline(always)]
#[must_use]
pub fn plain_ipv4(frame: &Frame<'_>) -> Option<Packet> {
    plain(&ipv4_header(frame)?)
}

/// The same over IPv6, without extension headers.
#[inline(always)]
#[must_use]
pub fn plain_ipv6(frame: &Frame<'_>) -> Option<Packet> {
    plain(&ipv6_header(frame)?)
}

#[inline(always)]
fn plain(network: &Network<'_>) -> Option<Packet> {
    let (source, destination) = transport::ports(&network.transport)?;
    let opens = network.protocol == TCP && transport::is_syn(&network.transport)?;
    Some(Packet {
        service: IndexKey::new(network.destination, destination, network.protocol),
        client: network.source,
        client_port: source,
        segment: if opens { Segment::Open } else { Segment::Data },
        length_tags: network.length.into(),
    })
}

#[inline(always)]
fn ipv4_header<'a>(frame: &Frame<'a>) -> Option<Network<'a>> {
    use network::ipv4::{DESTINATION, FRAGMENT, LENGTH, MIN_HEADER, PROTOCOL, SOURCE};
    // The first field that is read is the last one of the header: one bound for them all.
    let destination: u32 = frame.read(ETHERNET + DESTINATION)?;
    let version_length: u8 = frame.read(ETHERNET)?;
    let header = usize::from(version_length & 0x0f) * 4;
    let protocol: u8 = frame.read(ETHERNET + PROTOCOL)?;
    let fragment: u16 = frame.read(ETHERNET + FRAGMENT)?;
    if version_length >> 4 != 4
        || header < MIN_HEADER
        || (protocol != TCP && protocol != UDP)
        || u16::from_be(fragment) & network::ipv4::FRAGMENT_MASK != 0
    {
        return None;
    }
    let source: u32 = frame.read(ETHERNET + SOURCE)?;
    let length: u16 = frame.read(ETHERNET + LENGTH)?;
    Some(Network {
        source: v4_words(source),
        destination: v4_words(destination),
        protocol,
        transport: frame.after(ETHERNET + header),
        length: u32::from(u16::from_be(length)),
        fragment: false,
    })
}

#[inline(always)]
fn ipv6_header<'a>(frame: &Frame<'a>) -> Option<Network<'a>> {
    use network::ipv6::{DESTINATION, HEADER, NEXT_HEADER, PAYLOAD, SOURCE};
    let destination = frame.words(ETHERNET + DESTINATION)?;
    let version: u8 = frame.read(ETHERNET)?;
    let protocol: u8 = frame.read(ETHERNET + NEXT_HEADER)?;
    if version >> 4 != 6 || (protocol != TCP && protocol != UDP) {
        return None;
    }
    let payload: u16 = frame.read(ETHERNET + PAYLOAD)?;
    if payload == 0 {
        return None;
    }
    Some(Network {
        source: frame.words(ETHERNET + SOURCE)?,
        destination,
        protocol,
        transport: frame.after(ETHERNET + HEADER),
        length: u32::from(u16::from_be(payload)) + HEADER as u32,
        fragment: false,
    })
}

/// Every packet that the program can do something with. `whole` is the frame's length, of which
/// `frame` may be the first part.
///
/// # Errors
/// The reason for which the packet is the kernel's.
#[inline(always)]
pub fn any(frame: &Frame<'_>, whole: usize) -> Result<Packet, Reason> {
    let link = link::parse(frame)?;
    let network = match link.ethertype {
        IPV4 => network::ipv4::parse(&link.network)?,
        IPV6 => network::ipv6::parse(&link.network)?,
        _ => return Err(Reason::NotIp),
    };
    if network.length as usize > whole - link.header {
        return Err(Reason::Malformed);
    }
    let mut packet = Packet {
        client: network.source,
        length_tags: u64::from(link.tags) << 32 | u64::from(network.length),
        ..Packet::EMPTY
    };
    if transport::is_known(network.protocol) {
        if network.fragment {
            packet.service = IndexKey::of_fragments(network.destination, network.protocol);
            return Ok(packet);
        }
        let port;
        (packet.client_port, port) =
            transport::ports(&network.transport).ok_or(Reason::Malformed)?;
        packet.service = IndexKey::new(network.destination, port, network.protocol);
        packet.segment = transport::segment(&network.transport, network.protocol)?;
        return Ok(packet);
    }
    if network.fragment {
        return Err(Reason::OtherProtocol);
    }
    let quoted = quoted::parse(&network)?;
    packet.service = IndexKey::new(network.destination, quoted.service_port, quoted.protocol);
    packet.client = quoted.client;
    packet.client_port = quoted.client_port;
    packet.segment = Segment::Quote;
    Ok(packet)
}

#[cfg(test)]
mod tests;
