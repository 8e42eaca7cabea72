//! Whole frames of every kind.

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
pub(crate) const TAG: usize = 4;
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
