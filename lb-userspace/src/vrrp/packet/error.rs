//! Why an advertisement was not accepted.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

/// A receive check that failed; each has its own counter, see [`Self::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("not a whole IPv4 datagram of protocol 112")]
    IpHeader,
    #[error(
        "TTL or hop limit is {ttl}, let in is {least} to {most}: it came from another link, or was forged"
    )]
    Ttl { ttl: u8, least: u8, most: u8 },
    #[error("sent to {0}, not to the multicast group: both directors must have the same `unicast`")]
    Destination(IpAddr),
    #[error("{0} is none of the `peers`")]
    NotAPeer(IpAddr),
    #[error("VRRP version is {0}: both directors must have the same `version`")]
    Version(u8),
    #[error("VRRP packet type is {0}, not 1 (advertisement)")]
    Type(u8),
    #[error("message has {actual} bytes where its header asks for {expected}")]
    Length { expected: usize, actual: usize },
    #[error("wrong checksum")]
    Checksum,
    #[error("virtual router id is {0}")]
    VirtualRouterId(u8),
    #[error("advertises no address")]
    AddressCount,
    #[error(
        "authentication type is {0} (0 none, 1 password): both directors must have the same `auth`"
    )]
    AuthType(u8),
    #[error("wrong password: both directors must have the same `auth`")]
    AuthData,
    #[error("advertisement interval is 0")]
    IntervalZero,
    #[error(
        "advertisement interval is {interval:?}, ours {expected:?}: in version 2 both directors must have the same `advert_interval`"
    )]
    IntervalMismatch {
        interval: Duration,
        expected: Duration,
    },
}

impl DecodeError {
    /// All values of [`Self::name`], in the order of the checks.
    pub const NAMES: [&str; 14] = [
        "ip_header",
        "ttl",
        "destination",
        "not_a_peer",
        "version",
        "type",
        "length",
        "checksum",
        "virtual_router_id",
        "address_count",
        "auth_type",
        "auth_data",
        "interval_zero",
        "interval_mismatch",
    ];

    /// Stable name of the cause for counters, without its values.
    pub fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// Place of the cause in [`Self::NAMES`].
    pub(crate) fn index(&self) -> usize {
        match self {
            Self::IpHeader => 0,
            Self::Ttl { .. } => 1,
            Self::Destination(_) => 2,
            Self::NotAPeer(_) => 3,
            Self::Version(_) => 4,
            Self::Type(_) => 5,
            Self::Length { .. } => 6,
            Self::Checksum => 7,
            Self::VirtualRouterId(_) => 8,
            Self::AddressCount => 9,
            Self::AuthType(_) => 10,
            Self::AuthData => 11,
            Self::IntervalZero => 12,
            Self::IntervalMismatch { .. } => 13,
        }
    }
}
