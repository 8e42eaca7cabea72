//! What `[[vrrp]]` and `[[sync_group]]` blocks say.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Script, Track};

/// One `[[vrrp]]` block: a virtual router on one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    pub interface: String,
    pub virtual_router_id: NonZeroU8,
    /// IPv6: always [`Version::V3`].
    pub version: Version,
    /// 255 = address owner.
    pub priority: NonZeroU8,
    /// v2: whole seconds 1–255; v3: 10 ms–40.95 s in steps of 10 ms.
    pub advert_interval: Duration,
    /// Never empty, at most 255, no duplicates, all of one family.
    pub addresses: Vec<InterfaceAddress>,
    /// IPv4 checksum form that v3 sends; both are accepted.
    pub checksum: ChecksumForm,
    pub auth: Auth,
    pub preempt: Preempt,
    /// Time after a start or the return of the interface in which it takes no part.
    pub startup_delay: Duration,
    /// Whether a MASTER that is not the owner takes what is sent to the addresses and to none of
    /// the services (RFC 9568 section 6.1, Accept_Mode).
    pub accept: bool,
    /// Name of the macvlan device with the virtual MAC (00-00-5E-00-01-VRID, IPv6 …-02-VRID)
    /// that holds the addresses; `None`: they are on `interface` and have its MAC.
    pub virtual_mac: Option<String>,
    /// `None`: multicast.
    pub unicast: Option<Unicast>,
    pub garp: Garp,
    pub track: Vec<Track>,
    /// Run on every change of state.
    pub notify: Option<Script>,
}

impl Instance {
    /// IPv6, as all its addresses.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        let first = self.addresses.first();
        first.is_some_and(|first| first.address.is_ipv6())
    }

    /// Its addresses are this host's own (priority 255): tracking does not change that.
    #[must_use]
    pub const fn is_owner(&self) -> bool {
        self.priority.get() == NonZeroU8::MAX.get()
    }

    /// The priority with what tracking adds: within 1 to 254, but for an owner.
    #[must_use]
    pub fn adjusted_priority(&self, adjustment: i16) -> NonZeroU8 {
        if self.is_owner() {
            return self.priority;
        }
        let sum = i16::from(self.priority.get()).saturating_add(adjustment);
        let within = u8::try_from(sum.clamp(1, 254)).ok();
        within.and_then(NonZeroU8::new).unwrap_or(self.priority)
    }

    /// Name of the device that the addresses are on.
    #[must_use]
    pub fn device(&self) -> &str {
        self.virtual_mac.as_deref().unwrap_or(&self.interface)
    }
}

/// `preempt` and `preempt_delay`: what a BACKUP does about a master of lower priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preempt {
    Always,
    Never,
    /// Follows it for this time first.
    After(Duration),
}

/// `unicast`: advertisements go to each peer, and come from them alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unicast {
    /// `None`: the interface's own address.
    pub source: Option<IpAddr>,
    /// Never empty, of the instance's family.
    pub peers: Vec<IpAddr>,
    /// TTL or hop limit that is sent.
    pub ttl: NonZeroU8,
    /// TTLs or hop limits that are let in; 255..=255 unless configured.
    pub accepted_ttl: RangeInclusive<u8>,
}

/// Announcements (gratuitous ARP, unsolicited neighbour advertisements) of a MASTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garp {
    /// Announcements in the burst after a takeover, at least 1.
    pub count: u8,
    /// Time between two announcements of a burst.
    pub interval: Duration,
    /// A second burst begins this long after the first one began; `None` = there is none.
    pub delay: Option<Duration>,
    /// Time between announcements while MASTER after the bursts; `None` = no refresh.
    pub refresh: Option<Duration>,
    /// Announcements after an advertisement of lower priority was heard while MASTER: its sender
    /// may have announced the addresses as its own. 0 = none.
    pub lower_priority: u8,
}

impl Default for Garp {
    fn default() -> Self {
        Self {
            count: 5,
            interval: Duration::from_secs(1),
            delay: None,
            refresh: Some(Duration::from_secs(60)),
            lower_priority: 5,
        }
    }
}

/// One `[[sync_group]]` block: instances that are MASTER together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncGroup {
    pub name: String,
    /// Names of at least two instances, which are in no other group.
    pub instances: Vec<String>,
    /// Run when the whole group has changed its state.
    pub notify: Option<Script>,
}

/// `[global.realtime]`: how the protocol's thread is protected from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Realtime {
    /// SCHED_FIFO with this priority, 1–99; `None` = as any other thread.
    pub priority: Option<NonZeroU8>,
    /// The daemon's memory is never paged out.
    pub lock_memory: bool,
}

impl Default for Realtime {
    fn default() -> Self {
        const PRIORITY: NonZeroU8 = NonZeroU8::MIN.saturating_add(49);
        Self {
            priority: Some(PRIORITY),
            lock_memory: true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V2,
    V3,
}

/// IPv4 checksum of VRRPv3: with pseudo-header (RFC 5798 as commonly read, keepalived, FRR)
/// or over the message alone (RFC 9568 section 5.2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumForm {
    Rfc5798,
    Rfc9568,
}

/// VRRPv2 authentication (RFC 2338 section 10, kept by RFC 3768 pairs).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    None,
    /// Up to eight bytes, padded with zeros.
    Pass([u8; 8]),
}

impl fmt::Debug for Auth {
    /// Never the password: a configuration ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Pass(_) => "Pass(..)",
        })
    }
}

/// An address with its prefix length, `192.0.2.10/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceAddress {
    pub address: IpAddr,
    pub prefix_len: u8,
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}
