//! Checks that ask a question of a protocol of its own.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use super::{ReplyWanted, Tls};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Udp {
    pub payload: Vec<u8>,
    /// `None`: silence is up, and so is any answer; only an ICMP error is down.
    pub expect: Option<ReplyWanted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    pub name: Name,
    pub record: RecordType,
    pub rcode: ResponseCode,
    /// The data of one of the answers, as zone files write it.
    pub answer: Option<String>,
    /// Asked over TCP.
    pub tcp: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// The name in EHLO.
    pub helo: String,
    /// TLS is begun by STARTTLS; `None`: not at all.
    pub tls: Option<Tls>,
}

/// grpc.health.v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grpc {
    /// Empty: the server as a whole.
    pub service: String,
    pub tls: Option<Tls>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    pub user: Option<String>,
    pub password: Option<String>,
    pub role: Option<Role>,
    /// A replica that has not heard from its master for longer is down; whole seconds.
    pub max_lag: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Master,
    Replica,
}

impl Role {
    /// As the file writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
        }
    }
}
