//! What a `[[service]]` block says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::{Check, Manner, Policy};

/// One `[[service]]` block: a virtual service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: Arc<str>,
    /// Port 0 = all ports of the address that have no service of their own.
    pub address: SocketAddr,
    pub protocol: Protocol,
    /// Name of the VRRP instance that holds the address.
    pub vrrp: String,
    pub scheduler: Scheduler,
    pub flags: SchedulerFlags,
    /// `None`: a client's connections have nothing but the scheduler in common.
    pub persistence: Option<Persistence>,
    pub timeouts: Timeouts,
    pub affinity: Affinity,
    /// How long a server that gets no more clients keeps those that it has, in whole seconds, 1 s
    /// to 30 d; `None`: as long as their connections live.
    pub drain_deadline: Option<Duration>,
    pub policy: Policy,
    /// Of the real servers that have none of their own. `None`: they are taken to be up.
    pub check: Option<Arc<Check>>,
    /// No two have the same address. The order is the file's and has no meaning.
    pub real_servers: Vec<RealServer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// How a new connection gets its real server: the kernel's ip_vs schedulers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// Maglev hashing of the client's address, bit-for-bit the kernel's ip_vs_mh.
    Mh,
    /// Plain hashing of the client's address.
    Sh,
    /// Round robin.
    Rr,
    /// Round robin by weight.
    Wrr,
    /// Least connections.
    Lc,
    /// Least connections for its weight.
    Wlc,
}

/// Options of the hashing schedulers, `Mh` and `Sh`; the others have none set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchedulerFlags {
    /// The client's port is hashed too (`mh-port`, `sh-port`).
    pub port: bool,
    /// The next server is asked when the chosen one is not available (`mh-fallback`,
    /// `sh-fallback`).
    pub fallback: bool,
}

/// A client that comes back in time gets the real server that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// Whole seconds, 1 s–24 h, from the client's last new connection on.
    pub timeout: Duration,
    /// Length of the prefix that makes addresses one client, 1–32, with IPv6 1–128.
    pub granularity: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealServer {
    /// Of the service's family. Its port is the service's: direct routing cannot translate ports.
    pub address: IpAddr,
    /// 0 = gets no clients.
    pub weight: u16,
    pub manner: Manner,
    /// In the place of the service's.
    pub check: Option<Arc<Check>>,
}

impl Service {
    /// How a real server is checked. `None`: it is taken to be up.
    #[must_use]
    pub fn check_of<'c>(&'c self, server: &'c RealServer) -> Option<&'c Arc<Check>> {
        server.check.as_ref().or(self.check.as_ref())
    }

    /// What the operator shall not overlook about its checks, a sentence each.
    #[must_use]
    pub fn check_warnings(&self) -> Vec<String> {
        let own = self.real_servers.iter().flat_map(|server| {
            let warnings = server.check.iter().flat_map(|check| check.warnings());
            warnings.map(|warning| format!("real server {}: {warning}", server.address))
        });
        let common = self.check.iter().flat_map(|check| check.warnings());
        common.chain(own).collect()
    }
}

/// Time without a packet after which a connection is over, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Only the packet that opens it was seen; at most 18 h.
    pub opening: Duration,
    /// At most 24 h.
    pub established: Duration,
    /// One side has closed it; at most 18 h.
    pub closing: Duration,
}

impl Timeouts {
    /// Those of IPVS for TCP: SYN_RECV, ESTABLISHED, FIN_WAIT.
    pub const TCP: Self = Self {
        opening: Duration::from_secs(60),
        established: Duration::from_secs(15 * 60),
        closing: Duration::from_secs(2 * 60),
    };
    /// That of IPVS for UDP, where `established` counts alone: nothing opens and closes.
    pub const UDP: Self = Self {
        opening: Duration::from_secs(5 * 60),
        established: Duration::from_secs(5 * 60),
        closing: Duration::from_secs(5 * 60),
    };
}

/// What a change of the table means for UDP, whose clients do not say when they begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Affinity {
    /// All clients follow the new table at once.
    #[default]
    None,
    /// A client keeps its server until it has been silent for `timeouts.established`.
    Client,
}
