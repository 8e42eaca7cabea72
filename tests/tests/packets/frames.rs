//! Frames of every kind.
//!
//! The whole ones are etherparse's; what it does not build is edited into them, and then the
//! checksum of an IPv4 header is no longer right: nobody looks at it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{
    Ethernet2Header, IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder, PacketBuilderStep,
    TcpHeader,
};
use lb_userspace::dataplane::table::Mac;

pub(crate) const CLIENT_MAC: Mac = Mac([2, 0, 0, 0, 0, 1]);
pub(crate) const OUR_MAC: Mac = Mac([2, 0, 0, 0, 0, 2]);

pub(crate) const ETHERNET: usize = 14;
pub(crate) const V4_HEADER: usize = 20;
pub(crate) const V6_HEADER: usize = 40;
const TAG: usize = 4;
/// What carries a VLAN tag: 802.1Q, 802.1ad, and QinQ before it.
pub(crate) const C_TAG: u16 = 0x8100;
pub(crate) const S_TAG: u16 = 0x88a8;
pub(crate) const OLD_S_TAG: u16 = 0x9100;

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const SCTP: u8 = 132;

pub(crate) const CLIENT_PORT: u16 = 40_000;

/// A family of addresses, as the rows' words name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const BOTH: [Self; 2] = [Self::V4, Self::V6];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// A virtual address.
    pub(crate) const fn vip(self, host: u8) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host as u16)),
        }
    }

    pub(crate) const fn client(self) -> IpAddr {
        self.outside(7)
    }

    /// Who reports an error on the way.
    pub(crate) const fn router(self) -> IpAddr {
        self.outside(1)
    }

    const fn outside(self, host: u8) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::new(198, 51, 100, host)),
            Self::V6 => IpAddr::V6(Ipv6Addr::new(
                0x2001,
                0xdb8,
                0xffff,
                0,
                0,
                0,
                0,
                host as u16,
            )),
        }
    }

    pub(crate) const fn header(self) -> usize {
        match self {
            Self::V4 => V4_HEADER,
            Self::V6 => V6_HEADER,
        }
    }

    /// Where a frame's payload of the IP header begins.
    pub(crate) const fn transport(self) -> usize {
        ETHERNET + self.header()
    }

    pub(crate) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// Ethernet and IP headers from one to the other, both of one family.
fn headers(from: IpAddr, to: IpAddr) -> PacketBuilderStep<IpHeaders> {
    const TIME_TO_LIVE: u8 = 64;
    let ip = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let (from, to) = (from.octets(), to.octets());
            let header = Ipv4Header::new(0, TIME_TO_LIVE, IpNumber::TCP, from, to);
            IpHeaders::Ipv4(header.expect("nothing is not too long"), Default::default())
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let header = Ipv6Header {
                hop_limit: TIME_TO_LIVE,
                source: from.octets(),
                destination: to.octets(),
                ..Ipv6Header::default()
            };
            IpHeaders::Ipv6(header, Default::default())
        }
        _ => panic!("{from} and {to} are not of one family"),
    };
    PacketBuilder::ethernet2(CLIENT_MAC.0, OUR_MAC.0).ip(ip)
}

/// A TCP segment with flags as `flag` sets them.
pub(crate) fn tcp_between(
    from: IpAddr,
    to: (IpAddr, u16),
    payload: usize,
    flag: impl FnOnce(&mut TcpHeader),
) -> Vec<u8> {
    let mut header = TcpHeader::new(CLIENT_PORT, to.1, 1, 1024);
    flag(&mut header);
    let mut frame = Vec::new();
    let builder = headers(from, to.0).tcp_header(header);
    builder
        .write(&mut frame, &vec![0xa5; payload])
        .expect("a frame fits into memory");
    frame
}

/// The same from the client.
pub(crate) fn tcp(to: (IpAddr, u16), payload: usize, flag: impl FnOnce(&mut TcpHeader)) -> Vec<u8> {
    tcp_between(Family::of(to.0).client(), to, payload, flag)
}

pub(crate) fn syn(header: &mut TcpHeader) {
    header.syn = true;
}

pub(crate) fn ack(header: &mut TcpHeader) {
    header.ack = true;
}

pub(crate) fn udp(to: (IpAddr, u16), payload: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = headers(Family::of(to.0).client(), to.0).udp(CLIENT_PORT, to.1);
    builder
        .write(&mut frame, &vec![0xa5; payload])
        .expect("a frame fits into memory");
    frame
}

/// An SCTP packet (RFC 9260 section 3) with one chunk of this type, or none.
pub(crate) fn sctp(to: (IpAddr, u16), chunk: Option<u8>) -> Vec<u8> {
    let mut body = ports(CLIENT_PORT, to.1);
    body.extend([0x11, 0x22, 0x33, 0x44, 0x99, 0x88, 0x77, 0x66]);
    if let Some(kind) = chunk {
        body.extend([kind, 0, 0, 20]);
        body.extend([0xa5; 16]);
    }
    packet(to.0, SCTP, &body)
}

/// What a TCP, UDP or SCTP header begins with.
pub(crate) fn ports(source: u16, destination: u16) -> Vec<u8> {
    [source.to_be_bytes(), destination.to_be_bytes()].concat()
}

/// An IP packet with anything in it, from the client.
pub(crate) fn packet(to: IpAddr, protocol: u8, body: &[u8]) -> Vec<u8> {
    packet_between(Family::of(to).client(), to, protocol, body)
}

pub(crate) fn packet_between(from: IpAddr, to: IpAddr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    headers(from, to)
        .write(&mut frame, IpNumber(protocol), body)
        .expect("a frame fits into memory");
    frame
}

/// A frame with something that is not IP.
pub(crate) fn other(ethertype: u16, length: usize) -> Vec<u8> {
    let header = Ethernet2Header {
        source: CLIENT_MAC.0,
        destination: OUR_MAC.0,
        ether_type: etherparse::EtherType(ethertype),
    };
    let mut frame = header.to_bytes().to_vec();
    frame.resize(ETHERNET + length, 0xa5);
    frame
}

pub(crate) fn edited(mut frame: Vec<u8>, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    edit(&mut frame);
    frame
}

/// The first bytes of a frame, which then says that there are no more.
pub(crate) fn shortened(frame: &[u8], length: usize) -> Vec<u8> {
    edited(frame[..length].to_vec(), |frame| {
        set_ip_length(frame, length - ETHERNET);
    })
}

/// Writes the length of the whole IP packet into the header of an untagged frame.
pub(crate) fn set_ip_length(frame: &mut [u8], length: usize) {
    let bytes = |length: usize| u16::try_from(length).expect("16 bits").to_be_bytes();
    if frame[ETHERNET] >> 4 == 4 {
        frame[16..18].copy_from_slice(&bytes(length));
    } else {
        frame[18..20].copy_from_slice(&bytes(length - V6_HEADER));
    }
}

/// The same packet with `words` 32-bit words of IPv4 options.
pub(crate) fn with_options(frame: &[u8], words: usize) -> Vec<u8> {
    const NO_OPERATION: u8 = 1;
    let end = ETHERNET + V4_HEADER;
    edited(frame.to_vec(), |frame| {
        frame.splice(end..end, std::iter::repeat_n(NO_OPERATION, words * 4));
        frame[ETHERNET] = 0x40 | (5 + words) as u8;
        let length = frame.len() - ETHERNET;
        set_ip_length(frame, length);
    })
}

/// An IPv6 extension header: its number, and its bytes, of which the first is filled in.
pub(crate) type Extension = (u8, Vec<u8>);

/// One of `units` times eight bytes beyond the first eight.
pub(crate) fn extension(number: u8, units: u8) -> Extension {
    let mut bytes = vec![0; (usize::from(units) + 1) * 8];
    bytes[1] = units;
    (number, bytes)
}

/// The fragment header (RFC 8200 section 4.5); `offset` in units of eight bytes.
pub(crate) fn fragment_extension(offset: u16, more: bool) -> Extension {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    (44, vec![0, 0, high, low, 0, 0, 0, 9])
}

/// The same IPv6 packet with these extension headers.
pub(crate) fn extended(frame: &[u8], extensions: &[Extension]) -> Vec<u8> {
    let end = ETHERNET + V6_HEADER;
    edited(frame.to_vec(), |frame| {
        let mut next = frame[20];
        let mut all = Vec::new();
        for (number, bytes) in extensions.iter().rev() {
            let mut bytes = bytes.clone();
            bytes[0] = next;
            next = *number;
            all.splice(0..0, bytes);
        }
        frame[20] = next;
        frame.splice(end..end, all);
        let length = frame.len() - ETHERNET;
        set_ip_length(frame, length);
    })
}

/// The same packet as a fragment; `offset` in units of eight bytes.
pub(crate) fn fragment(frame: &[u8], offset: u16, more: bool) -> Vec<u8> {
    if frame[ETHERNET] >> 4 == 6 {
        return extended(frame, &[fragment_extension(offset, more)]);
    }
    edited(frame.to_vec(), |frame| {
        let field = offset | u16::from(more) << 13;
        frame[20..22].copy_from_slice(&field.to_be_bytes());
    })
}

/// The same frame with VLAN tags, the outer one first: ethertype, and the tag's 16 bits.
pub(crate) fn tagged(frame: &[u8], tags: &[(u16, u16)]) -> Vec<u8> {
    let bytes = tags
        .iter()
        .flat_map(|(ethertype, tag)| [ethertype.to_be_bytes(), tag.to_be_bytes()].concat());
    edited(frame.to_vec(), |frame| {
        frame.splice(12..12, bytes.collect::<Vec<u8>>());
    })
}

/// Where the VLAN tags of a frame are.
pub(crate) fn tags(frame: &[u8]) -> Vec<usize> {
    let is_tag = |at: &usize| {
        let ethertype = frame
            .get(at - 2..*at)
            .map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        matches!(ethertype, Some(C_TAG | S_TAG | OLD_S_TAG))
    };
    (0..)
        .map(|index| ETHERNET + index * TAG)
        .take_while(is_tag)
        .collect()
}
