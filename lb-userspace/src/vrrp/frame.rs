//! The Ethernet frames that the protocol's thread sends, and the claims to addresses that it
//! reads. PURE.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum;
use super::packet::PROTOCOL;

pub mod arp;
pub mod ndp;

/// A hardware address.
type Mac = [u8; 6];

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
/// RFC 9568 section 5.1.1.3: receivers drop anything else, so it cannot come from afar.
pub(super) const TTL: u8 = 255;
/// DSCP CS6, "network control": adverts come first in queues that know of it.
pub(super) const TOS: u8 = 0xc0;

/// Somebody says that an address is at a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub address: IpAddr,
    pub mac: Mac,
}

/// A frame with an advertisement to a multicast group; `None` if the families differ.
pub fn advertisement(mac: Mac, source: IpAddr, group: IpAddr, message: &[u8]) -> Option<Vec<u8>> {
    match (source, group) {
        (IpAddr::V4(source), IpAddr::V4(group)) => {
            let [_, b, c, d] = group.octets();
            let destination = [0x01, 0x00, 0x5e, b & 0x7f, c, d];
            let header = ipv4(source, group, message.len());
            let parts = [&header, message];
            Some(ethernet(destination, mac, ETHERTYPE_IPV4, &parts))
        }
        (IpAddr::V6(source), IpAddr::V6(group)) => {
            let header = ipv6(source, group, PROTOCOL, message.len());
            let parts = [&header, message];
            Some(ethernet(multicast(group), mac, ETHERTYPE_IPV6, &parts))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

/// The MAC of an IPv6 multicast group, RFC 2464 section 7.
fn multicast(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

fn ethernet(destination: Mac, source: Mac, ethertype: u16, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(ETHERNET_LEN + len);
    frame.extend(destination);
    frame.extend(source);
    frame.extend(ethertype.to_be_bytes());
    for part in parts {
        frame.extend(*part);
    }
    frame
}

/// Never fragmented, so that its identification means nothing (RFC 6864 section 4.1).
fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, payload: usize) -> [u8; IPV4_LEN] {
    const DONT_FRAGMENT: u8 = 0x40;
    let mut header = [0; IPV4_LEN];
    header[..2].copy_from_slice(&[0x45, TOS]);
    header[2..4].copy_from_slice(&length(IPV4_LEN + payload));
    header[6] = DONT_FRAGMENT;
    header[8..10].copy_from_slice(&[TTL, PROTOCOL]);
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let sum = checksum::plain(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn ipv6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    payload: usize,
) -> [u8; IPV6_LEN] {
    let mut header = [0; IPV6_LEN];
    // The traffic class lies across the first two bytes.
    header[..2].copy_from_slice(&[0x60 | TOS >> 4, TOS << 4]);
    header[4..6].copy_from_slice(&length(payload));
    header[6..8].copy_from_slice(&[next_header, TTL]);
    header[8..24].copy_from_slice(&source.octets());
    header[24..40].copy_from_slice(&destination.octets());
    header
}

/// The longest VRRP message has 4,088 bytes (255 IPv6 addresses), so nothing is cut.
fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_advertisement() {
        let source = Ipv4Addr::new(192, 0, 2, 1);
        let group = Ipv4Addr::new(224, 0, 0, 18);
        let mac = [0, 0, 0x5e, 0, 1, 51];
        let frame = advertisement(mac, source.into(), group.into(), &[0x31, 51, 100, 1]).unwrap();
        let expected = [
            &[0x01, 0x00, 0x5e, 0, 0, 18][..],
            &[0, 0, 0x5e, 0, 1, 51, 0x08, 0x00],
            &[0x45, 0xc0, 0, 24, 0, 0, 0x40, 0, 255, 112],
            // By hand: the words of the header sum to 1 d7fe, so ffff - d7ff.
            &0x9800_u16.to_be_bytes(),
            &[192, 0, 2, 1, 224, 0, 0, 18],
            &[0x31, 51, 100, 1],
        ];
        assert_eq!(frame[..24], expected[..3].concat());
        assert_eq!(checksum::plain(&frame[14..34]), 0);
        assert_eq!(frame[26..], expected[4..].concat());
    }

    #[test]
    fn ipv6_advertisement() {
        let source: Ipv6Addr = "fe80::1".parse().unwrap();
        let group: Ipv6Addr = "ff02::12".parse().unwrap();
        let mac = [0, 0, 0x5e, 0, 2, 51];
        let frame = advertisement(mac, source.into(), group.into(), &[0x31, 51, 100, 1]).unwrap();
        let expected = [
            &[0x33, 0x33, 0, 0, 0, 0x12][..],
            &[0, 0, 0x5e, 0, 2, 51, 0x86, 0xdd],
            &[0x6c, 0, 0, 0, 0, 4, 112, 255],
            &source.octets(),
            &group.octets(),
            &[0x31, 51, 100, 1],
        ];
        assert_eq!(frame, expected.concat());
    }

    #[test]
    fn families_do_not_mix() {
        let (four, six) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        assert_eq!(advertisement([0; 6], four, six, &[]), None);
        assert_eq!(advertisement([0; 6], six, four, &[]), None);
    }
}
