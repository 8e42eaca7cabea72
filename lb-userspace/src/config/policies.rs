//! What shall follow from the verdicts on a service's real servers.

use std::net::IpAddr;
use std::time::Duration;

use super::Script;

/// Of a whole service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub quorum: Option<Quorum>,
    /// Gets the clients when no real server takes any; of the service's family, none of its real
    /// servers, and never checked.
    pub fallback: Option<IpAddr>,
    /// Where a smaller part of the real servers is healthy, all are used: percent, 1–100.
    pub panic_threshold: Option<u8>,
    /// Checks take no more real servers out at the same time.
    pub max_down_at_once: Option<Share>,
    pub flap_damping: Option<Damping>,
}

/// Of one real server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    pub initial: Initial,
    pub on_failure: OnFailure,
    /// Time in which the weight of a server that came up grows to what it shall be.
    pub slow_start: Option<Duration>,
}

/// What a real server is taken for before its check has decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Initial {
    /// Nothing: its first probe decides.
    #[default]
    Check,
    /// Up, until `fall` probes have failed.
    Up,
    /// Down, until `rise` probes were good.
    Down,
}

impl Initial {
    /// What a check begins with; `None`: its first probe decides.
    #[must_use]
    pub const fn up(self) -> Option<bool> {
        match self {
            Self::Check => None,
            Self::Up => Some(true),
            Self::Down => Some(false),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Gets no packets.
    #[default]
    Remove,
    /// Gets no new clients, and keeps those that it has.
    Quiesce,
}

/// When a check runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    #[default]
    Always,
    /// While this director is MASTER for the service.
    Master,
}

/// Enough healthy real servers, and whom to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    pub min_healthy: Share,
    /// More of them are needed when the quorum was lost.
    pub hysteresis: u16,
    pub up: Option<Script>,
    pub down: Option<Script>,
}

impl Quorum {
    /// Healthy real servers that are needed of `total`, and to regain what was lost.
    #[must_use]
    pub fn needed(&self, total: usize) -> (usize, usize) {
        let needed = self.min_healthy.at_least(total);
        (needed, needed + usize::from(self.hysteresis))
    }
}

/// A number of real servers, or a part of all of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// At least 1.
    Count(u16),
    /// 1–100.
    Percent(u8),
}

impl Share {
    /// Rounded up, so at least 1.
    #[must_use]
    pub fn at_least(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count.into(),
            Self::Percent(percent) => (total * usize::from(percent)).div_ceil(100).max(1),
        }
    }

    /// Rounded down, but at least 1.
    #[must_use]
    pub fn at_most(self, total: usize) -> usize {
        match self {
            Self::Count(count) => count.into(),
            Self::Percent(percent) => (total * usize::from(percent) / 100).max(1),
        }
    }

    /// As the file writes it.
    #[must_use]
    pub fn show(self) -> String {
        match self {
            Self::Count(count) => count.to_string(),
            Self::Percent(percent) => format!("{percent}%"),
        }
    }
}

/// A real server whose verdict changes too often is down until it has calmed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damping {
    /// From up to down or back; at least 2.
    pub changes: u16,
    pub within: Duration,
    /// For so long it must be healthy without a break.
    pub hold: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_rounded_to_the_safe_side() {
        for (share, total, at_least, at_most) in [
            (Share::Count(2), 5, 2, 2),
            (Share::Percent(50), 4, 2, 2),
            (Share::Percent(50), 5, 3, 2),
            (Share::Percent(1), 5, 1, 1),
            (Share::Percent(100), 5, 5, 5),
            (Share::Percent(25), 3, 1, 1),
            (Share::Percent(34), 3, 2, 1),
        ] {
            let rounded = (share.at_least(total), share.at_most(total));
            assert_eq!(rounded, (at_least, at_most), "{share:?} of {total}");
        }
    }
}
