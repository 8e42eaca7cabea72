//! Why a server is not healthy, in words for the operator. PURE.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::dns::DnsFault;
use super::file::FileFault;
use super::grpc::GrpcFault;
use super::http::HttpFault;
use super::redis::RedisFault;
use super::smtp::SmtpFault;
use super::socket::SocketFault;
use super::tls::TlsFault;
use super::udp::UdpFault;
use super::via::ViaFault;
use crate::script::Ended;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// This host cannot even ask.
    #[error("cannot probe {to}: {fault}")]
    Socket { to: SocketAddr, fault: SocketFault },
    #[error("connect to {to}: {fault}")]
    Connect { to: SocketAddr, fault: Refusal },
    #[error("no answer from {to} within {limit:?}: {wait}")]
    TimedOut {
        to: SocketAddr,
        limit: Duration,
        wait: Wait,
    },
    /// The server ended the connection.
    #[error("{to} closed the connection: {wait}")]
    Closed { to: SocketAddr, wait: Wait },
    #[error("{to} reset the connection: {wait}")]
    Reset { to: SocketAddr, wait: Wait },
    #[error("connection to {to}: {error}: {wait}")]
    Broken {
        to: SocketAddr,
        error: String,
        wait: Wait,
    },
    /// Of a bounded protocol.
    #[error("{to} sent more than {limit} bytes: {wait}")]
    Flood {
        to: SocketAddr,
        limit: usize,
        wait: Wait,
    },
    #[error("TLS with {to}: {fault}")]
    Tls { to: SocketAddr, fault: TlsFault },
    #[error("{0}")]
    Http(HttpFault),
    #[error("{to}: {fault}")]
    Udp { to: SocketAddr, fault: UdpFault },
    #[error("DNS server {to}: {fault}")]
    Dns { to: SocketAddr, fault: DnsFault },
    #[error("SMTP server {to}: {fault}")]
    Smtp { to: SocketAddr, fault: SmtpFault },
    #[error("gRPC server {to}: {fault}")]
    Grpc { to: SocketAddr, fault: GrpcFault },
    #[error("Redis server {to}: {fault}")]
    Redis { to: SocketAddr, fault: RedisFault },
    #[error("script {program} {ended}")]
    Script { program: String, ended: Ended },
    #[error("file {path}: {fault}")]
    File { path: String, fault: FileFault },
    /// Of the server's own address and the virtual one.
    #[error("{0}")]
    Via(Box<ViaFault>),
    /// Of an `all`.
    #[error("{kind} check: {failure}")]
    Part {
        kind: &'static str,
        failure: Box<Self>,
    },
    /// Of an `any`.
    #[error("all of its checks fail: {}", joined(.0))]
    Every(Vec<Self>),
}

fn joined(failures: &[Failure]) -> String {
    let words: Vec<String> = failures.iter().map(Failure::to_string).collect();
    words.join("; ")
}

/// Why a connection does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("refused: nothing listens on the port")]
    Refused,
    #[error("reset while it was opened: a firewall, or a server that has no room")]
    Reset,
    #[error("{0}: no route to the host, or it does not answer ARP or NDP")]
    Unreachable(String),
    #[error("forbidden: a firewall rejects the packets")]
    Forbidden,
    #[error("no local port is free: another `source` gives more, or a longer `interval`")]
    NoPort,
    #[error("{0}")]
    Other(String),
}

impl Refusal {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => Self::Refused,
            Some(libc::ECONNRESET) => Self::Reset,
            Some(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN) => {
                Self::Unreachable(plain(error))
            }
            Some(libc::EACCES | libc::EPERM) => Self::Forbidden,
            Some(libc::EADDRNOTAVAIL) => Self::NoPort,
            Some(libc::ETIMEDOUT) => Self::Unreachable(plain(error)),
            Some(_) | None => Self::Other(plain(error)),
        }
    }
}

/// What a server was expected to do when it failed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Connection,
    Handshake,
    /// The beginning of the answer to a request.
    Answer,
    /// The rest of the answer.
    End,
    /// The answer to this, in a protocol of several.
    To(&'static str),
    /// An answer to a datagram.
    Datagram,
    /// An answer to ICMP echo.
    Echo,
    /// A file of this host.
    File,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str(
                "the connection did not open: is the host up, and does no firewall drop packets \
                 to this port?",
            ),
            Self::Handshake => f.write_str(
                "the connection opened, but not TLS in it: does the server speak TLS on this port?",
            ),
            Self::Answer => f.write_str(
                "the connection opened, but no answer came: does the program hang, or speak \
                 another protocol?",
            ),
            Self::End => f.write_str("the answer began, but did not end"),
            Self::To(what) => write!(f, "the connection opened, but {what} did not come"),
            Self::Echo => f.write_str("is the host up, and does no firewall drop ICMP echo?"),
            Self::File => f.write_str("the file system does not answer"),
            Self::Datagram => f.write_str("is the program up, and does it answer this payload?"),
        }
    }
}

impl Failure {
    /// Of reading or writing on a connection that is open.
    pub(super) fn io(to: SocketAddr, wait: Wait, error: &io::Error) -> Self {
        if let Some(fault) = TlsFault::inside(error) {
            return Self::Tls { to, fault };
        }
        let kind = error.kind();
        if kind == io::ErrorKind::ConnectionReset || kind == io::ErrorKind::BrokenPipe {
            return Self::Reset { to, wait };
        }
        if kind == io::ErrorKind::UnexpectedEof {
            return Self::Closed { to, wait };
        }
        let error = plain(error);
        Self::Broken { to, error, wait }
    }
}

/// Without the number that Rust adds.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// What a server sent, short enough for a log and without control characters.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut short: String = text.chars().filter(|c| !c.is_control()).collect();
    if let Some((end, _)) = short.char_indices().nth(LONGEST) {
        short.truncate(end);
        short.push('…');
    }
    short
}
