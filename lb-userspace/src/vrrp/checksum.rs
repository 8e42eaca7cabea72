//! The Internet checksum (RFC 1071) over a VRRP message, in the two forms in use. PURE.

use std::net::IpAddr;

use super::packet::PROTOCOL;

/// Checksum of `message` alone: version 2, and version 3 over IPv4 by RFC 9568 section 5.2.8.
///
/// 0 if the message carries its correct checksum already.
pub fn plain(message: &[u8]) -> u16 {
    finish(sum(message))
}

/// Checksum of `message` behind the pseudo-header of the addresses' family: version 3 over IPv6
/// (RFC 9568 section 5.2.8), and over IPv4 as RFC 5798 section 5.2.8 is commonly read.
///
/// 0 if the message carries its correct checksum already.
pub fn with_pseudo_header(source: IpAddr, destination: IpAddr, message: &[u8]) -> u16 {
    behind_pseudo_header(source, destination, PROTOCOL, message)
}

/// The same of a message of any protocol, such as ICMPv6 (RFC 4443 section 2.3).
pub(super) fn behind_pseudo_header(
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    message: &[u8],
) -> u16 {
    // Both families' pseudo-headers have these and zeros, in other places, which a sum ignores.
    let pseudo =
        sum_address(source) + sum_address(destination) + u64::from(protocol) + message.len() as u64;
    finish(pseudo + sum(message))
}

fn sum_address(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    }
}

/// Sum of the big-endian 16-bit words; an odd last byte is the high half of a word.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |&byte| u64::from(byte) << 8);
    let words = words
        .iter()
        .map(|&word| u64::from(u16::from_be_bytes(word)));
    words.sum::<u64>() + last
}

fn finish(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn rfc1071_example() {
        // RFC 1071 section 3: these words sum to ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(plain(&bytes), !0xddf2);
    }

    #[test]
    fn odd_length_pads_with_zero() {
        assert_eq!(plain(&[1, 2, 3]), plain(&[1, 2, 3, 0]));
    }

    #[test]
    fn pseudo_header_counts_addresses_protocol_and_length() {
        let (source, destination) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(224, 0, 0, 18));
        let message = [0x31, 51, 100, 1];
        let spelt_out = [192, 0, 2, 1, 224, 0, 0, 18, 0, 112, 0, 4, 0x31, 51, 100, 1];
        assert_eq!(
            with_pseudo_header(source.into(), destination.into(), &message),
            plain(&spelt_out)
        );
    }

    #[test]
    fn ipv6_pseudo_header_of_rfc8200() {
        let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        let destination = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
        let message = [0x31, 51, 100, 1];
        // RFC 8200 section 8.1: addresses, length in 32 bits, 24 bits of zeros, next header.
        let mut spelt_out = source.octets().to_vec();
        spelt_out.extend(destination.octets());
        spelt_out.extend([0, 0, 0, 4, 0, 0, 0, 112]);
        spelt_out.extend(message);
        assert_eq!(
            with_pseudo_header(source.into(), destination.into(), &message),
            plain(&spelt_out)
        );
    }
}
