//! What is odd about an advertisement that is accepted all the same.

use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use super::Received;
use crate::config::Version;

/// Said and counted, but no reason to drop it; each has its own counter, see [`Self::name`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Warning {
    /// RFC 9568 section 7.1 with erratum 8298.
    #[error(
        "advertises {theirs:?}, ours are {ours:?}: both directors should have the same `addresses`"
    )]
    AddressMismatch {
        theirs: Vec<IpAddr>,
        ours: Vec<IpAddr>,
    },
    /// RFC 9568 section 5.2.9 with erratum 8300.
    #[error("its first address, {0}, is not link-local")]
    FirstNotLinkLocal(IpAddr),
    /// Of version 3, where a BACKUP learns the master's interval.
    #[error("its interval is {theirs:?}, ours {ours:?}")]
    IntervalMismatch { theirs: Duration, ours: Duration },
}

impl Warning {
    /// All values of [`Self::name`].
    pub const NAMES: [&str; 3] = [
        "address_mismatch",
        "first_not_link_local",
        "interval_mismatch",
    ];

    /// Stable name for counters, without its values.
    pub fn name(&self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// Place in [`Self::NAMES`].
    pub(crate) fn index(&self) -> usize {
        match self {
            Self::AddressMismatch { .. } => 0,
            Self::FirstNotLinkLocal(_) => 1,
            Self::IntervalMismatch { .. } => 2,
        }
    }
}

impl Received {
    /// Compares it with what the instance would advertise itself. Almost always empty.
    pub fn warnings(&self, interval: Duration, addresses: &[IpAddr]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let theirs = &self.advertisement.addresses;
        // Directors list their addresses in the order of their own files.
        if theirs != addresses && sorted(theirs) != sorted(addresses) {
            warnings.push(Warning::AddressMismatch {
                theirs: theirs.clone(),
                ours: addresses.to_vec(),
            });
        }
        if let Some(&IpAddr::V6(first)) = theirs.first()
            && !first.is_unicast_link_local()
        {
            warnings.push(Warning::FirstNotLinkLocal(first.into()));
        }
        if self.advertisement.version == Version::V3 && self.advertisement.interval != interval {
            warnings.push(Warning::IntervalMismatch {
                theirs: self.advertisement.interval,
                ours: interval,
            });
        }
        warnings
    }
}

fn sorted(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let mut sorted = addresses.to_vec();
    sorted.sort_unstable();
    sorted
}
