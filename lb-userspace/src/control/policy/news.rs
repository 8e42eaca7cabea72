//! What is to be told of a service. PURE.

use std::net::IpAddr;
use std::sync::Arc;

use crate::config::Damping;

use super::count::Count;

/// Something new about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub service: Arc<str>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// `regain` are needed when it was lost.
    Quorum {
        has: bool,
        count: Count,
        needed: usize,
        regain: usize,
    },
    /// Fewer than `percent` are healthy: all are used. `None`: the operator wants none any more.
    Panic {
        on: bool,
        count: Count,
        percent: Option<u8>,
    },
    Fallback {
        server: IpAddr,
        used: bool,
    },
    /// A server changes too often.
    Damped {
        server: IpAddr,
        damping: Damping,
    },
    /// It has calmed down.
    Calm {
        server: IpAddr,
    },
}
