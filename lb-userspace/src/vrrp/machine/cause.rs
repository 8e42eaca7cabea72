//! Why an instance changed its state.

use std::fmt;
use std::net::IpAddr;

/// The reason of a change, for log, status and `notify`; `Display` is the operator's sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Started,
    /// Priority 255 starts as MASTER.
    Owner,
    /// `leader`: whom we had followed.
    MasterSilent {
        leader: Option<IpAddr>,
    },
    MasterResigned {
        source: IpAddr,
    },
    /// We preempt a master of lower priority.
    Preempted {
        source: IpAddr,
        priority: u8,
    },
    HigherPriority {
        source: IpAddr,
        priority: u8,
    },
    HigherAddress {
        source: IpAddr,
        priority: u8,
    },
    /// We were not scheduled for so long that another director leads by now, and do not preempt.
    TakenOver {
        source: IpAddr,
        priority: u8,
    },
    /// The daemon stops.
    Shutdown,
    /// No data plane of this director can serve.
    NoPlane,
    /// The configuration has the instance no more.
    Removed,
    /// Interface, virtual router id or version changed: that is another virtual router.
    Replaced,
    InterfaceLost,
    /// What tracking found; a sentence.
    Tracked(String),
    /// The operator wants another director to lead.
    Resigned,
    /// Its sync group, by name, goes where this instance of it goes.
    Group {
        group: String,
        member: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("started, listening for a master"),
            Self::Owner => f.write_str("priority 255: owner of the addresses"),
            Self::MasterSilent { leader: None } => f.write_str("no master was heard"),
            Self::MasterSilent {
                leader: Some(leader),
            } => write!(f, "master {leader} is not heard any more"),
            Self::MasterResigned { source } => write!(f, "{source} gave up (priority 0)"),
            Self::Preempted { source, priority } => {
                write!(f, "{source} has a lower priority ({priority}): preempted")
            }
            Self::HigherPriority { source, priority } => {
                write!(f, "{source} has a higher priority ({priority})")
            }
            Self::HigherAddress { source, priority } => write!(
                f,
                "{source} has the same priority ({priority}) and the higher address"
            ),
            Self::TakenOver { source, priority } => write!(
                f,
                "{source} ({priority}) took over while this program was not scheduled"
            ),
            Self::Shutdown => f.write_str("stopped"),
            Self::NoPlane => f.write_str("no data plane of this director can serve"),
            Self::Removed => f.write_str("removed from the configuration"),
            Self::Replaced => {
                f.write_str("interface, virtual_router_id or version changed: begins anew")
            }
            Self::InterfaceLost => f.write_str("the interface is not usable"),
            Self::Tracked(fault) => f.write_str(fault),
            Self::Resigned => f.write_str("gave way by hand"),
            Self::Group { group, member } => write!(f, "sync group {group} follows {member}"),
        }
    }
}
