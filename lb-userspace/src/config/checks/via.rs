//! Which address of a real server a probe asks for.

use std::net::IpAddr;

use super::{CheckKind, Probe};
use crate::config::Protocol;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// Its own.
    Server,
    /// The service's: packets go to the server's MAC, as a client's do. Only for kinds that have a
    /// [transport](CheckKind::transport), and without `connect_address`.
    Vip(IpAddr),
    /// Each of them, at once.
    Both(IpAddr),
}

impl Via {
    /// What is asked for beside the server's own address, or instead of it.
    #[must_use]
    pub const fn vip(self) -> Option<IpAddr> {
        match self {
            Self::Server => None,
            Self::Vip(vip) | Self::Both(vip) => Some(vip),
        }
    }
}

impl CheckKind {
    /// What its packets are; `None` where it sends none to ports, or leaves that to its parts.
    #[must_use]
    pub const fn transport(&self) -> Option<Protocol> {
        match self {
            Self::Tcp { .. } | Self::Http(_) | Self::Smtp(_) | Self::Grpc(_) | Self::Redis(_) => {
                Some(Protocol::Tcp)
            }
            Self::Udp(_) => Some(Protocol::Udp),
            Self::Dns(dns) if dns.tcp => Some(Protocol::Tcp),
            Self::Dns(_) => Some(Protocol::Udp),
            Self::Ping | Self::Script(_) | Self::File(_) | Self::All(_) | Self::Any(_) => None,
        }
    }
}

impl Probe {
    /// The probes in it that ask for the virtual address.
    pub fn through_vip(&self) -> impl Iterator<Item = &Self> {
        let leaves = self.leaves().into_iter();
        leaves.filter(|probe| probe.via.vip().is_some())
    }

    /// How many connections it has open at once, or so.
    #[must_use]
    pub fn sockets(&self) -> usize {
        let one = |probe: &&Self| match probe.via {
            Via::Server | Via::Vip(_) => 1,
            Via::Both(_) => 2,
        };
        self.leaves().iter().map(one).sum()
    }
}
