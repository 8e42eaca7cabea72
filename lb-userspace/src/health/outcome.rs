//! What a probe comes to. PURE.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::tls::days;

use super::failure::Failure;

pub(super) type Outcome = Result<Good, Failure>;

/// The server is healthy, and what else the probe has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Good {
    /// `None`: the configured one.
    pub weight: Option<Weight>,
    pub certificate: Option<Certificate>,
}

/// The weight that a check gives a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Is(u16),
    /// Added to the configured one.
    Plus(i64),
}

impl Weight {
    /// 0 if the sum is below, the greatest weight if it is above.
    #[must_use]
    pub fn of(self, configured: u16) -> u16 {
        match self {
            Self::Is(weight) => weight,
            Self::Plus(more) => {
                let sum = i64::from(configured).saturating_add(more);
                u16::try_from(sum.max(0)).unwrap_or(u16::MAX)
            }
        }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(weight) => write!(f, "{weight}"),
            Self::Plus(more) => write!(f, "{more:+} to the configured one"),
        }
    }
}

/// The server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    pub expires: SystemTime,
    /// It is time to renew it when less than this is left.
    pub warning: Duration,
}

impl Certificate {
    /// What is left; `None`: it has expired.
    #[must_use]
    pub fn left(&self, now: SystemTime) -> Option<Duration> {
        self.expires.duration_since(now).ok()
    }

    /// What to tell the operator, if it is time.
    #[must_use]
    pub fn told(&self, now: SystemTime) -> Option<String> {
        match self.left(now) {
            None => Some("its certificate has expired: renew it".to_owned()),
            Some(left) if left < self.warning => {
                let days = days(left);
                Some(format!("its certificate expires in {days}: renew it"))
            }
            Some(_) => None,
        }
    }
}

impl Good {
    /// Of two good probes of one server: the first weight, the earliest expiry.
    pub(super) fn and(self, other: Self) -> Self {
        let certificates = self.certificate.into_iter().chain(other.certificate);
        Self {
            weight: self.weight.or(other.weight),
            certificate: certificates.min_by_key(|certificate| certificate.expires),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_stay_in_their_range() {
        for (weight, configured, result) in [
            (Weight::Is(0), 7, 0),
            (Weight::Is(253), 7, 253),
            (Weight::Plus(3), 7, 10),
            (Weight::Plus(-3), 7, 4),
            (Weight::Plus(-8), 7, 0),
            (Weight::Plus(65_530), 7, 65_535),
            (Weight::Plus(i64::MAX), 7, 65_535),
            (Weight::Plus(i64::MIN), 7, 0),
        ] {
            assert_eq!(weight.of(configured), result, "{weight:?}");
        }
    }

    #[test]
    fn certificates_are_told_of_in_time() {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let now = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let told = |expires| {
            let certificate = Certificate {
                expires,
                warning: 14 * DAY,
            };
            certificate.told(now).unwrap_or_default()
        };
        assert_eq!(told(now + 14 * DAY), "");
        assert_eq!(
            told(now + 13 * DAY),
            "its certificate expires in 13 days: renew it"
        );
        assert_eq!(
            told(now + DAY),
            "its certificate expires in a day: renew it"
        );
        assert_eq!(
            told(now + DAY / 2),
            "its certificate expires in less than a day: renew it"
        );
        assert_eq!(told(now - DAY), "its certificate has expired: renew it");
    }
}
