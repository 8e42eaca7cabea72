//! VRRP advertisements on the wire: version 2 over IPv4 (RFC 3768 section 5) and version 3 over
//! IPv4 and IPv6 (RFC 9568 section 5). PURE.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::checksum;
use crate::config::{Auth, ChecksumForm, Version};

mod error;
mod ipv4;
#[cfg(test)]
mod tests;
mod warning;

pub use error::DecodeError;
pub use ipv4::split_ipv4;
pub use warning::Warning;

/// IP protocol number of VRRP.
pub const PROTOCOL: u8 = 112;
/// The IPv4 multicast group of VRRP, RFC 9568 section 5.1.1.2.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// The IPv6 multicast group of VRRP, RFC 9568 section 5.1.2.2.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

const FIXED_LEN: usize = 8;
/// Version 2 always carries authentication data, whatever the type.
const AUTH_LEN: usize = 8;
const TYPE_ADVERTISEMENT: u8 = 1;
const AUTH_NONE: u8 = 0;
const AUTH_PASS: u8 = 1;
/// Max Advertise Interval of version 3: 12 bits of centiseconds.
const MAX_CENTISECONDS: u16 = 0x0fff;

/// What the receive checks need of the IP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub source: IpAddr,
    /// Of the source's family.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
}

/// What a director says of a virtual router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advertisement {
    pub version: Version,
    pub virtual_router_id: NonZeroU8,
    /// 0 = the sender gives up mastership, 255 = it owns the addresses.
    pub priority: u8,
    /// v2: whole seconds 1–255; v3: 10 ms–40.95 s in steps of 10 ms.
    pub interval: Duration,
    /// 1 to 255 of them, all of one family.
    pub addresses: Vec<IpAddr>,
    /// Version 3 has no authentication: always `None` there.
    pub auth: Auth,
}

/// What an instance lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Over IPv6 there is version 3 alone.
    pub version: Version,
    pub virtual_router_id: NonZeroU8,
    /// Version 2 drops any other interval; version 3 learns the master's.
    pub interval: Duration,
    pub auth: Auth,
    /// Unicast: the sources that are let in. `None` is multicast: the destination must be the
    /// group.
    pub peers: Option<&'a [IpAddr]>,
    /// 255..=255 for multicast.
    pub ttl: RangeInclusive<u8>,
}

/// An advertisement that passed all receive checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub advertisement: Advertisement,
    /// Which of the two checksums of version 3 over IPv4 it carried; `None` where there is one
    /// form only.
    pub checksum: Option<ChecksumForm>,
}

/// The virtual router a message is about, before any check: says which instance shall check it.
pub fn peek_virtual_router_id(message: &[u8]) -> Option<u8> {
    message.get(1).copied()
}

/// Checks and decodes a VRRP message, in the order of RFC 9568 section 7.1 with errata 8299 and
/// 8301, and RFC 3768 section 7.1.
///
/// # Errors
/// The first check that fails.
pub fn parse(
    header: &Header,
    message: &[u8],
    expected: &Expected<'_>,
) -> Result<Received, DecodeError> {
    check_header(header, expected)?;
    let Some((fixed, rest)) = message.split_first_chunk::<FIXED_LEN>() else {
        return Err(DecodeError::Length {
            expected: FIXED_LEN,
            actual: message.len(),
        });
    };
    let [version_type, id, priority, count, high, low, _, _] = *fixed;
    let ipv6 = header.source.is_ipv6();
    let version = version_type >> 4;
    if version != version_number(expected.version) || (ipv6 && expected.version == Version::V2) {
        return Err(DecodeError::Version(version));
    }
    if version_type & 0x0f != TYPE_ADVERTISEMENT {
        return Err(DecodeError::Type(version_type & 0x0f));
    }
    let complete_len = message_len(expected.version, ipv6, count.into());
    if message.len() != complete_len {
        return Err(DecodeError::Length {
            expected: complete_len,
            actual: message.len(),
        });
    }
    let checksum = verify_checksum(header, message, expected.version)?;
    if id != expected.virtual_router_id.get() {
        return Err(DecodeError::VirtualRouterId(id));
    }
    if count == 0 {
        return Err(DecodeError::AddressCount);
    }
    let (addresses, auth_data) = rest.split_at(usize::from(count) * address_len(ipv6));
    let (interval, auth) = match expected.version {
        Version::V2 => {
            let auth = check_auth(high, auth_data, expected.auth)?;
            (check_v2_interval(low, expected.interval)?, auth)
        }
        Version::V3 => (v3_interval(high, low)?, Auth::None),
    };
    Ok(Received {
        advertisement: Advertisement {
            version: expected.version,
            virtual_router_id: expected.virtual_router_id,
            priority,
            interval,
            addresses: decode_addresses(addresses, ipv6),
            auth,
        },
        checksum,
    })
}

/// The VRRP message for an advertisement; the IP header is the kernel's.
///
/// `checksum` matters to version 3 over IPv4 only. Intervals are cut to what the version can say;
/// addresses after the 255th, or not of the source's family, are left out.
pub fn emit(
    advertisement: &Advertisement,
    checksum: ChecksumForm,
    source: IpAddr,
    destination: IpAddr,
) -> Vec<u8> {
    let version = advertisement.version;
    let ipv6 = source.is_ipv6();
    let addresses = advertisement.addresses.iter();
    let addresses = addresses.filter(|address| address.is_ipv6() == ipv6);
    let count = u8::try_from(addresses.clone().count()).unwrap_or(u8::MAX);
    let [high, low] = match version {
        Version::V2 => {
            let auth_type = match advertisement.auth {
                Auth::None => AUTH_NONE,
                Auth::Pass(_) => AUTH_PASS,
            };
            let seconds = advertisement.interval.as_secs();
            [auth_type, u8::try_from(seconds).unwrap_or(u8::MAX)]
        }
        Version::V3 => u16::try_from(advertisement.interval.as_millis() / 10)
            .unwrap_or(u16::MAX)
            .min(MAX_CENTISECONDS)
            .to_be_bytes(),
    };
    let mut message = Vec::with_capacity(message_len(version, ipv6, count.into()));
    message.extend([
        version_number(version) << 4 | TYPE_ADVERTISEMENT,
        advertisement.virtual_router_id.get(),
        advertisement.priority,
        count,
        high,
        low,
        0,
        0,
    ]);
    for address in addresses.take(count.into()) {
        match address {
            IpAddr::V4(address) => message.extend(address.octets()),
            IpAddr::V6(address) => message.extend(address.octets()),
        }
    }
    let sum = match (version, checksum) {
        (Version::V2, _) => {
            message.extend(match advertisement.auth {
                Auth::None => [0; AUTH_LEN],
                Auth::Pass(password) => password,
            });
            checksum::plain(&message)
        }
        (Version::V3, ChecksumForm::Rfc9568) if !ipv6 => checksum::plain(&message),
        (Version::V3, ChecksumForm::Rfc9568 | ChecksumForm::Rfc5798) => {
            checksum::with_pseudo_header(source, destination, &message)
        }
    };
    message[6..FIXED_LEN].copy_from_slice(&sum.to_be_bytes());
    message
}

fn version_number(version: Version) -> u8 {
    match version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

fn address_len(ipv6: bool) -> usize {
    if ipv6 { 16 } else { 4 }
}

fn message_len(version: Version, ipv6: bool, count: usize) -> usize {
    let auth = match version {
        Version::V2 => AUTH_LEN,
        Version::V3 => 0,
    };
    FIXED_LEN + count * address_len(ipv6) + auth
}

fn check_header(header: &Header, expected: &Expected<'_>) -> Result<(), DecodeError> {
    if !expected.ttl.contains(&header.ttl) {
        return Err(DecodeError::Ttl {
            ttl: header.ttl,
            least: *expected.ttl.start(),
            most: *expected.ttl.end(),
        });
    }
    let group = match header.destination {
        IpAddr::V4(_) => IpAddr::V4(GROUP_V4),
        IpAddr::V6(_) => IpAddr::V6(GROUP_V6),
    };
    match expected.peers {
        None if header.destination != group => Err(DecodeError::Destination(header.destination)),
        Some(peers) if !peers.contains(&header.source) => Err(DecodeError::NotAPeer(header.source)),
        None | Some(_) => Ok(()),
    }
}

fn verify_checksum(
    header: &Header,
    message: &[u8],
    version: Version,
) -> Result<Option<ChecksumForm>, DecodeError> {
    let ipv6 = header.source.is_ipv6();
    let plain = || checksum::plain(message) == 0;
    let pseudo = || checksum::with_pseudo_header(header.source, header.destination, message) == 0;
    match version {
        Version::V2 if plain() => Ok(None),
        Version::V3 if ipv6 && pseudo() => Ok(None),
        Version::V3 if !ipv6 && plain() => Ok(Some(ChecksumForm::Rfc9568)),
        Version::V3 if !ipv6 && pseudo() => Ok(Some(ChecksumForm::Rfc5798)),
        Version::V2 | Version::V3 => Err(DecodeError::Checksum),
    }
}

fn decode_addresses(bytes: &[u8], ipv6: bool) -> Vec<IpAddr> {
    if ipv6 {
        let (addresses, _) = bytes.as_chunks::<16>();
        addresses.iter().copied().map(IpAddr::from).collect()
    } else {
        let (addresses, _) = bytes.as_chunks::<4>();
        addresses.iter().copied().map(IpAddr::from).collect()
    }
}

/// RFC 2338 sections 5.3.6 and 10.
fn check_auth(auth_type: u8, data: &[u8], expected: Auth) -> Result<Auth, DecodeError> {
    match (auth_type, expected) {
        // RFC 3768 section 5.3.10: the data of type 0 is ignored.
        (AUTH_NONE, Auth::None) => Ok(Auth::None),
        (AUTH_PASS, Auth::Pass(password)) if data == password => Ok(expected),
        (AUTH_PASS, Auth::Pass(_)) => Err(DecodeError::AuthData),
        (other, Auth::None | Auth::Pass(_)) => Err(DecodeError::AuthType(other)),
    }
}

fn check_v2_interval(seconds: u8, expected: Duration) -> Result<Duration, DecodeError> {
    let interval = Duration::from_secs(seconds.into());
    if interval.is_zero() {
        Err(DecodeError::IntervalZero)
    } else if interval != expected {
        Err(DecodeError::IntervalMismatch { interval, expected })
    } else {
        Ok(interval)
    }
}

fn v3_interval(high: u8, low: u8) -> Result<Duration, DecodeError> {
    // The four bits above are reserved and ignored on receipt, RFC 9568 section 5.2.6.
    let centiseconds = u16::from_be_bytes([high, low]) & MAX_CENTISECONDS;
    if centiseconds == 0 {
        return Err(DecodeError::IntervalZero);
    }
    Ok(Duration::from_millis(u64::from(centiseconds) * 10))
}
