//! The IPv4 header in front of a message, as a raw socket hands it over.

use std::net::Ipv4Addr;

use super::{DecodeError, Header, PROTOCOL};

/// Splits a raw IPv4 datagram into header and VRRP message.
///
/// Skips IP options and cuts what follows the total length (Ethernet padding).
///
/// # Errors
/// [`DecodeError::IpHeader`] if this is not a whole IPv4 datagram of protocol 112.
pub fn split_ipv4(datagram: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
    let Some(fixed) = datagram.first_chunk::<20>() else {
        return Err(DecodeError::IpHeader);
    };
    let header_len = usize::from(fixed[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
    if fixed[0] >> 4 != 4 || header_len < fixed.len() || fixed[9] != PROTOCOL {
        return Err(DecodeError::IpHeader);
    }
    let message = datagram
        .get(header_len..total_len)
        .ok_or(DecodeError::IpHeader)?;
    let header = Header {
        source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]).into(),
        destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]).into(),
        ttl: fixed[8],
    };
    Ok((header, message))
}
