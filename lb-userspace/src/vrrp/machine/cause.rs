//! Why an instance changed its state.

use std::fmt;
use std::net::Ipv4Addr;

/// The reason of a change, for log, status and `notify`; `Display` is the operator's sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Started,
    /// Priority 255 starts as MASTER.
    Owner,
    /// `leader`: whom we had followed.
    MasterSilent {
        leader: Option<Ipv4Addr>,
    },
    MasterResigned {
        source: Ipv4Addr,
    },
    /// We preempt a master of lower priority.
    Preempted {
        source: Ipv4Addr,
        priority: u8,
    },
    HigherPriority {
        source: Ipv4Addr,
        priority: u8,
    },
    HigherAddress {
        source: Ipv4Addr,
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
            Self::Shutdown => f.write_str("stopped"),
            Self::NoPlane => f.write_str("no data plane of this director can serve"),
            Self::Removed => f.write_str("removed from the configuration"),
            Self::Replaced => {
                f.write_str("interface, virtual_router_id or version changed: begins anew")
            }
            Self::InterfaceLost => f.write_str("the interface is not usable"),
        }
    }
}
