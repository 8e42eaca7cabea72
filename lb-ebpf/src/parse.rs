//! From a frame to the service it asks for.
//!
//! [`plain_ipv4`] and [`plain_ipv6`] read what nearly all packets are, with offsets that are
//! constants, and no more of it than is needed; [`any`] reads everything, and says why a packet is
//! the kernel's.

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
use transport::{TCP, UDP};

pub(crate) const ETHERNET: usize = 14;
const ETHERTYPE: usize = 12;
pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;
/// Version 4, and a header of five words.
const WITHOUT_OPTIONS: u8 = 0x45;

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

    /// A packet of a TCP connection, or an ICMP error that quotes one.
    #[inline(always)]
    #[must_use]
    pub const fn is_tcp(&self) -> bool {
        self.service.protocol() == TCP
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

/// TCP or UDP over IPv4, without options, VLAN tags or fragmentation: as much as the lookup of its
/// service needs. `None`: for [`any`].
#[inline(always)]
#[must_use]
pub fn plain_ipv4(frame: &Frame<'_>) -> Option<IndexKey> {
    use network::ipv4::{DESTINATION, FRAGMENT, FRAGMENT_MASK, MIN_HEADER, PROTOCOL};
    const TRANSPORT: usize = ETHERNET + MIN_HEADER;
    // One bound for all that is read here and in the rest. The shortest UDP packets go without
    // this path: in an Ethernet frame they are padded beyond it.
    let _flags = frame.at::<u16>(TRANSPORT + transport::TCP_LENGTH_FLAGS)?;
    let version_length: u8 = frame.read(ETHERNET)?;
    let protocol: u8 = frame.read(ETHERNET + PROTOCOL)?;
    let fragment: u16 = frame.read(ETHERNET + FRAGMENT)?;
    if version_length != WITHOUT_OPTIONS
        || (protocol != TCP && protocol != UDP)
        || u16::from_be(fragment) & FRAGMENT_MASK != 0
    {
        return None;
    }
    let destination: u32 = frame.read(ETHERNET + DESTINATION)?;
    let (_, port) = transport::ports_at(frame, TRANSPORT)?;
    Some(IndexKey::new(v4_words(destination), port, protocol))
}

/// The rest of a packet that [`plain_ipv4`] has looked at. Nothing is known of its true length.
#[inline(always)]
#[must_use]
pub fn rest_of_ipv4(frame: &Frame<'_>, service: &IndexKey) -> Option<Packet> {
    use network::ipv4::{LENGTH, MIN_HEADER, SOURCE};
    let source: u32 = frame.read(ETHERNET + SOURCE)?;
    let length: u16 = frame.read(ETHERNET + LENGTH)?;
    let length = u16::from_be(length);
    if usize::from(length) < MIN_HEADER {
        return None;
    }
    rest(
        frame,
        ETHERNET + MIN_HEADER,
        service,
        v4_words(source),
        length.into(),
    )
}

/// As [`plain_ipv4`], over IPv6 without extension headers.
#[inline(always)]
#[must_use]
pub fn plain_ipv6(frame: &Frame<'_>) -> Option<IndexKey> {
    use network::ipv6::{DESTINATION, HEADER, NEXT_HEADER, PAYLOAD};
    const TRANSPORT: usize = ETHERNET + HEADER;
    let _flags = frame.at::<u16>(TRANSPORT + transport::TCP_LENGTH_FLAGS)?;
    let version: u8 = frame.read(ETHERNET)?;
    let protocol: u8 = frame.read(ETHERNET + NEXT_HEADER)?;
    let payload: u16 = frame.read(ETHERNET + PAYLOAD)?;
    if version >> 4 != 6 || (protocol != TCP && protocol != UDP) || payload == 0 {
        return None;
    }
    let destination = frame.words(ETHERNET + DESTINATION)?;
    let (_, port) = transport::ports_at(frame, TRANSPORT)?;
    Some(IndexKey::new(destination, port, protocol))
}

/// As [`rest_of_ipv4`].
#[inline(always)]
#[must_use]
pub fn rest_of_ipv6(frame: &Frame<'_>, service: &IndexKey) -> Option<Packet> {
    use network::ipv6::{HEADER, PAYLOAD, SOURCE};
    let source = frame.words(ETHERNET + SOURCE)?;
    let payload: u16 = frame.read(ETHERNET + PAYLOAD)?;
    rest(
        frame,
        ETHERNET + HEADER,
        service,
        source,
        u32::from(u16::from_be(payload)) + HEADER as u32,
    )
}

#[inline(always)]
fn rest(
    frame: &Frame<'_>,
    transport: usize,
    service: &IndexKey,
    client: [u64; 2],
    ip_length: u32,
) -> Option<Packet> {
    let (client_port, _) = transport::ports_at(frame, transport)?;
    let segment = if service.protocol() == TCP {
        transport::tcp_segment(frame, transport)?
    } else {
        Segment::Datagram
    };
    Some(Packet {
        service: *service,
        client,
        client_port,
        segment,
        length_tags: ip_length.into(),
    })
}

/// A packet that is plain, and as long as it says. `whole` is the frame's length, of which `frame`
/// may be the first part.
#[inline(always)]
#[must_use]
pub fn plain(frame: &Frame<'_>, whole: usize) -> Option<Packet> {
    let packet = match ethertype(frame)? {
        IPV4 => rest_of_ipv4(frame, &plain_ipv4(frame)?),
        IPV6 => rest_of_ipv6(frame, &plain_ipv6(frame)?),
        _ => None,
    };
    packet.filter(|packet| !packet.is_cut_off(whole))
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
