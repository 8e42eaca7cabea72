//! The operator's configuration, checked: after [`load`] no invalid state can be expressed.
//!
//! `block` and the readers beside it walk the TOML tree with its positions, one file per block of
//! the configuration; `check` joins the blocks. Every error is collected with its place. PURE
//! apart from [`load`], which reads the file.

mod address;
mod auth;
mod block;
mod check;
mod diagnostic;
mod duration;
mod fits;
mod global;
mod health;
mod names;
mod reader;
mod report;
mod scheduling;
mod service;
mod suggest;
mod timing;
mod unimplemented;
mod virtual_service;
mod vrrp;

use std::fmt;
use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::Duration;

use lb_common::maglev::TableSize;

pub use check::{load, parse};
pub use diagnostic::{Diagnostic, Errors};
pub use timing::{DRAIN_DEADLINES, drain_deadline, show_duration};
pub use virtual_service::{
    Affinity, Check, CheckKind, Persistence, Protocol, RealServer, Scheduler, SchedulerFlags,
    Service, Timeouts,
};

/// A whole configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub global: Global,
    pub vrrp: Vec<Instance>,
    pub services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// Name of this director in logs and status; the host name if not given.
    pub router_id: String,
    pub dataplane: PlaneChoice,
    /// Holds `lvx.sock` and `lvx.pid`.
    pub runtime_dir: PathBuf,
    /// Directory on a bpffs in which maps and links are pinned.
    pub bpffs: PathBuf,
    /// Interfaces that get the XDP program besides those of the VRRP instances.
    pub interfaces: Vec<String>,
    /// Slots of each service's Maglev table; must equal the peer director's.
    pub table_size: TableSize,
    /// `None`: IPVS connections are not handed to the other director.
    pub sync: Option<Sync>,
    pub maps: Maps,
    pub program_log: ProgramLog,
}

/// `[global.maps]`: room for records in the program's maps, each a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maps {
    /// Connections that are older than a change of their service's table.
    pub exceptions: u32,
    /// Clients of services with `persistence`.
    pub persistence: u32,
    /// Connections of services with a scheduler other than mh and sh.
    pub flows: u32,
}

impl Default for Maps {
    fn default() -> Self {
        const ROOM: u32 = 1 << 18;
        Self {
            exceptions: ROOM,
            persistence: ROOM,
            flows: ROOM,
        }
    }
}

/// `[global] program_log`: what the XDP program writes into the daemon's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProgramLog {
    /// The program is loaded without any messages in it.
    #[default]
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

/// The kernel's connection sync daemon (ip_vs sync): it sends on the MASTER director and
/// receives on the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    pub interface: String,
    /// Must equal the peer director's; `ipvsadm --syncid`.
    pub id: u8,
}

/// `[global] dataplane`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaneChoice {
    /// XDP native, XDP generic, IPVS: the first that works here.
    Auto,
    /// XDP native, else XDP generic: never anything other than XDP, so that every service is one
    /// that XDP does.
    Xdp,
    XdpNative,
    XdpGeneric,
    Ipvs,
}

/// One `[[vrrp]]` block: a virtual router on one interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub name: String,
    pub interface: String,
    pub virtual_router_id: NonZeroU8,
    pub version: Version,
    /// 255 = address owner.
    pub priority: NonZeroU8,
    /// v2: whole seconds 1–255; v3: 10 ms–40.95 s in steps of 10 ms.
    pub advert_interval: Duration,
    /// Never empty, at most 255, no duplicates.
    pub addresses: Vec<InterfaceAddress>,
    /// IPv4 checksum form that v3 sends; both are accepted.
    pub checksum: ChecksumForm,
    pub auth: Auth,
    pub preempt: bool,
    pub garp: Garp,
}

/// Gratuitous ARP after a takeover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garp {
    /// Announcements in the burst after a takeover, at least 1.
    pub count: u8,
    /// Time between two announcements of the burst.
    pub interval: Duration,
    /// Time between announcements while MASTER after the burst; `None` = no refresh.
    pub refresh: Option<Duration>,
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
    pub address: Ipv4Addr,
    pub prefix_len: u8,
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}
