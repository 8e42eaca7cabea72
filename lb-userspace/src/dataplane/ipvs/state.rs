//! Services and destinations as the kernel keeps them. PURE.

use std::net::{IpAddr, SocketAddr};

use super::table::{Destination, Service, ServiceKey};

/// `IP_VS_SVC_F_*` (include/uapi/linux/ip_vs.h)
pub(super) const PERSISTENT: u32 = 0x1;
/// Set by the kernel itself.
const HASHED: u32 = 0x2;
const ONE_PACKET: u32 = 0x4;
const FALLBACK: u32 = 0x8;
const PORT: u32 = 0x10;

/// `IP_VS_CONN_F_DROUTE`
pub(super) const DIRECT_ROUTING: u32 = 3;

/// What a service has besides its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub scheduler: String,
    pub flags: u32,
    /// Of persistence, in seconds.
    pub timeout: u32,
    /// Of persistence: an IPv4 mask, an IPv6 prefix length.
    pub mask: u32,
    /// Persistence engine; lvx uses none.
    pub engine: Option<String>,
}

impl Options {
    /// What `service` asks for.
    #[must_use]
    pub fn of(key: &ServiceKey, service: &Service) -> Self {
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        let flags = flag(service.flags.one_packet, ONE_PACKET)
            | flag(service.flags.fallback, FALLBACK)
            | flag(service.flags.port, PORT)
            | flag(service.persistence.is_some(), PERSISTENT);
        let width = if key.is_v6() { 128 } else { 32 };
        let prefix_len = service
            .persistence
            .map_or(width, |p| p.prefix_len.min(width));
        let timeout = service.persistence.map_or(0, |p| {
            let seconds = p.timeout.as_secs() + u64::from(p.timeout.subsec_nanos() > 0);
            u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
        });
        Self {
            scheduler: service.scheduler.clone(),
            flags,
            timeout,
            mask: if key.is_v6() {
                u32::from(prefix_len)
            } else {
                u32::MAX
                    .checked_shl(32 - u32::from(prefix_len))
                    .unwrap_or(0)
            },
            engine: None,
        }
    }

    /// Whether the kernel's options do what `wanted` asks for.
    #[must_use]
    pub fn serve(&self, wanted: &Self) -> bool {
        let flags = self.flags & !HASHED;
        let persistent = wanted.flags & PERSISTENT != 0;
        self.scheduler == wanted.scheduler
            && flags == wanted.flags
            && self.engine == wanted.engine
            && (!persistent || (self.timeout, self.mask) == (wanted.timeout, wanted.mask))
    }
}

/// A destination's name within its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub address: IpAddr,
    pub port: u16,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// What a destination has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// `IP_VS_CONN_F_FWD_MASK`: how packets get to it.
    pub method: u32,
    pub weight: u32,
    pub upper_threshold: u32,
    pub lower_threshold: u32,
}

impl Settings {
    /// What `destination` asks for.
    #[must_use]
    pub fn of(destination: &Destination) -> Self {
        Self {
            method: DIRECT_ROUTING,
            weight: u32::from(destination.weight),
            upper_threshold: destination.upper_threshold,
            lower_threshold: destination.lower_threshold,
        }
    }
}

/// A service that was found in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub options: Options,
    /// In the kernel's order: the one added last comes first.
    pub destinations: Vec<(Target, Settings)>,
    /// lvx made it, so it was never written in another way than `plan` does.
    pub ours: bool,
}
