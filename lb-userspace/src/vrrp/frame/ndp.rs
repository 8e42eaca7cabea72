//! Neighbour discovery (RFC 4861), IPv6's counterpart of [`super::arp`].

use std::net::Ipv6Addr;

use super::{
    Claim, ETHERNET_LEN, ETHERTYPE_IPV6, IPV6_LEN, Mac, TTL, checksum, ethernet, ipv6, multicast,
};

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Of an advertisement: sent by a router, and what caches hold shall be overridden.
const ROUTER_OVERRIDE: u8 = 0xa0;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
/// Type, code, checksum, flags, target.
const FIXED_LEN: usize = 24;

/// A frame with an unsolicited neighbour advertisement for `address` at `mac`, RFC 9568
/// section 8.2.2.
pub fn announcement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let kind = (ADVERTISEMENT, ROUTER_OVERRIDE);
    message(mac, address, ALL_NODES, kind, address, TARGET_LINK_LAYER)
}

/// A frame that asks who has `address`, from a host's own address.
pub fn question(mac: Mac, own: Ipv6Addr, address: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = address.octets();
    let low = u16::from_be_bytes([b, c]);
    // The solicited-node group of RFC 4291 section 2.7.1.
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low);
    let kind = (SOLICITATION, 0);
    message(mac, own, group, kind, address, SOURCE_LINK_LAYER)
}

fn message(
    mac: Mac,
    source: Ipv6Addr,
    group: Ipv6Addr,
    (kind, flags): (u8, u8),
    target: Ipv6Addr,
    option: u8,
) -> Vec<u8> {
    let mut message = [0; FIXED_LEN + 8];
    message[0] = kind;
    message[4] = flags;
    message[8..24].copy_from_slice(&target.octets());
    // Its length is in units of eight bytes.
    message[24..26].copy_from_slice(&[option, 1]);
    message[26..].copy_from_slice(&mac);
    let sum = checksum(source, group, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let header = ipv6(source, group, ICMPV6, message.len());
    ethernet(multicast(group), mac, ETHERTYPE_IPV6, &[&header, &message])
}

fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    checksum::behind_pseudo_header(source.into(), destination.into(), ICMPV6, message)
}

/// Who says that he has an address: by an advertisement, by a solicitation from it, or by the
/// solicitation of a host that is about to take it (duplicate address detection).
///
/// The checks are those of RFC 4861 section 7.1.
pub fn claim(frame: &[u8]) -> Option<Claim> {
    let (ethernet, packet) = frame.split_at_checked(ETHERNET_LEN)?;
    let (header, rest) = packet.split_first_chunk::<IPV6_LEN>()?;
    if ethernet[12..] != ETHERTYPE_IPV6.to_be_bytes() || header[6..8] != [ICMPV6, TTL] {
        return None;
    }
    let message = rest.get(..usize::from(u16::from_be_bytes([header[4], header[5]])))?;
    let (fixed, options) = message.split_first_chunk::<FIXED_LEN>()?;
    let source = Ipv6Addr::from(*header[8..].first_chunk::<16>()?);
    let destination = Ipv6Addr::from(*header[24..].first_chunk::<16>()?);
    if checksum(source, destination, message) != 0 || fixed[1] != 0 {
        return None;
    }
    let target = Ipv6Addr::from(*fixed[8..].first_chunk::<16>()?);
    let (address, option) = match fixed[0] {
        ADVERTISEMENT => (target, TARGET_LINK_LAYER),
        SOLICITATION if source.is_unspecified() => (target, SOURCE_LINK_LAYER),
        SOLICITATION => (source, SOURCE_LINK_LAYER),
        _ => return None,
    };
    // Without the option it is the sender's own.
    let mac = link_layer(options, option).or_else(|| ethernet[6..].first_chunk().copied())?;
    Some(Claim {
        address: address.into(),
        mac,
    })
}

fn link_layer(mut options: &[u8], wanted: u8) -> Option<Mac> {
    while let [kind, units, ..] = *options {
        let (option, rest) = options.split_at_checked(usize::from(units) * 8)?;
        let (_, mac) = option.split_at_checked(2)?;
        if kind == wanted {
            return mac.first_chunk().copied();
        }
        options = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 0x51];
    const OWN: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const VIP: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x12, 0x3456);

    fn claimed(address: Ipv6Addr) -> Option<Claim> {
        let address = address.into();
        Some(Claim { address, mac: MAC })
    }

    #[test]
    fn announcement_goes_to_all_nodes() {
        let frame = announcement(MAC, VIP);
        let expected = [
            &[0x33, 0x33, 0, 0, 0, 1][..],
            &[2, 0, 0, 0, 0, 0x51, 0x86, 0xdd],
            &[0x6c, 0, 0, 0, 0, 32, 58, 255],
            &VIP.octets(),
            &ALL_NODES.octets(),
            &[136, 0, frame[56], frame[57], 0xa0, 0, 0, 0],
            &VIP.octets(),
            &[2, 1, 2, 0, 0, 0, 0, 0x51],
        ]
        .concat();
        assert_eq!(frame, expected);
        assert_eq!(claim(&frame), claimed(VIP));
    }

    #[test]
    fn question_goes_to_the_solicited_node_group() {
        let frame = question(MAC, OWN, VIP);
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        let group: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
        assert_eq!(frame[38..54], group.octets());
        assert_eq!(claim(&frame), claimed(OWN));
        // Duplicate address detection: the unspecified address asks for what it will be.
        let frame = question(MAC, Ipv6Addr::UNSPECIFIED, VIP);
        assert_eq!(claim(&frame), claimed(VIP));
    }

    #[test]
    fn what_fails_a_check_is_no_claim() {
        let frame = announcement(MAC, VIP);
        for len in 0..frame.len() {
            assert_eq!(claim(&frame[..len]), None);
        }
        for at in 20..frame.len() {
            let mut other = frame.clone();
            other[at] ^= 0x01;
            assert_eq!(claim(&other), None, "byte {at}");
        }
        let mut padded = frame.clone();
        padded.resize(100, 0);
        assert_eq!(claim(&padded), claimed(VIP));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut frame in proptest::collection::vec(any::<u8>(), 0..120)) {
            claim(&frame);
            let like = announcement(MAC, VIP);
            let head = frame.len().min(54);
            frame[..head].copy_from_slice(&like[..head]);
            claim(&frame);
            link_layer(&frame, TARGET_LINK_LAYER);
        }
    }
}
