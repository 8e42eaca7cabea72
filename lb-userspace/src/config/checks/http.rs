//! Checks `http` and `https`, and what they and others say of TLS.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::uri::PathAndQuery;
use rustls::pki_types::ServerName;

use super::Pattern;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// `None`: plain HTTP.
    pub tls: Option<Tls>,
    pub version: HttpVersion,
    /// All of them must answer as wanted; at least one.
    pub urls: Vec<Url>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    Http1,
    /// Without TLS: by prior knowledge.
    Http2,
}

/// A request, and the answer that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    pub method: Method,
    pub path: PathAndQuery,
    /// `None`: the server's address, with its port if that is not the scheme's.
    pub host: Option<HeaderValue>,
    pub headers: HeaderMap,
    /// At least one.
    pub status: Vec<RangeInclusive<u16>>,
    pub body: Option<BodyWanted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyWanted {
    Contains(String),
    Matches(Pattern),
    Sha256([u8; 32]),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The name that is asked for and that the certificate must have; `None`: the host's, else the
    /// server's address.
    pub sni: Option<ServerName<'static>>,
    /// Certificates of authorities; `None`: those of this host.
    pub ca: Option<PathBuf>,
    /// `false`: any certificate passes.
    pub verify: bool,
    /// Certificate chain and key that show who we are.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// A certificate that expires earlier is warned of.
    pub expiry_warning: Duration,
}
