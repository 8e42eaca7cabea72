//! The operator's configuration, checked: after [`load`] no invalid state can be expressed.
//!
//! `block` and the readers beside it walk the TOML tree with its positions, one file per block of
//! the configuration; `check` joins the blocks. Every error is collected with its place. PURE
//! apart from [`load`], which reads the file.

mod address;
mod auth;
mod block;
mod check;
mod checks;
mod command;
mod compare;
mod diagnostic;
mod duration;
mod elsewhere;
mod fits;
mod global;
mod health;
mod kind;
mod names;
mod network;
mod notify;
mod places;
mod policies;
mod policy;
mod reader;
mod real_server;
mod report;
mod scheduling;
mod script;
mod service;
mod suggest;
mod sync_group;
mod timing;
mod track;
mod unimplemented;
mod virtual_router;
mod virtual_service;
mod vrrp;

use std::path::PathBuf;

use lb_common::maglev::TableSize;
use lb_common::record::DEFAULT_ROOM;

pub use check::{load, parse};
pub use checks::{
    BodyWanted, Check, CheckKind, Dns, FileCheck, Grpc, Hex, Http, HttpVersion, Origin, Pattern,
    Probe, Redis, ReplyWanted, Role, Smtp, Tls, Udp, Unlike, Url, Via, has,
};
pub use diagnostic::{Diagnostic, Errors};
pub use notify::{
    Field, Mail, MailTls, Means, Pace, Rate, Secret, Target, Template, Topic, Trust, Webhook,
};
pub use places::{Places, places};
pub use policies::{Damping, Initial, Manner, OnFailure, Policy, Quorum, Share, When};
pub use script::Script;
pub use timing::{DRAIN_DEADLINES, drain_deadline, show_duration};
pub use track::{Track, Tracked, TrackedScript};
pub use virtual_router::{
    Auth, ChecksumForm, Garp, Instance, InterfaceAddress, Preempt, Realtime, SyncGroup, Unicast,
    Version,
};
pub use virtual_service::{
    Affinity, Persistence, Protocol, RealServer, Scheduler, SchedulerFlags, Service, Timeouts,
};

/// A whole configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub global: Global,
    pub vrrp: Vec<Instance>,
    pub sync_groups: Vec<SyncGroup>,
    pub services: Vec<Service>,
    /// Who is told of events.
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// Name of this director in logs and status; the host name if not given.
    pub router_id: String,
    pub dataplane: PlaneChoice,
    /// Holds `lvx.sock` and `lvx.pid`.
    pub runtime_dir: PathBuf,
    /// Holds `orders.json`, over a boot, too.
    pub state_dir: PathBuf,
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
    /// Of so many TCP connections one is sampled, a power of two; `None`: none.
    pub passive_sample: Option<u32>,
    pub realtime: Realtime,
    /// Whose rights scripts have that name no user of their own.
    pub script_user: String,
    /// A named pipe that gets a line for every change of a VRRP state.
    pub notify_fifo: Option<PathBuf>,
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
        Self {
            exceptions: DEFAULT_ROOM,
            persistence: DEFAULT_ROOM,
            flows: DEFAULT_ROOM,
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
