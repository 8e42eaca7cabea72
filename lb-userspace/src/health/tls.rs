//! TLS of checks: what they share, the handshake, and what the server's certificate says.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::Tls;

use super::attempt::Attempt;
use super::failure::{Failure, Wait};
use super::outcome::Certificate;

pub(super) use crate::tls::TlsFault;

/// What clients are made of is read once, and shared by all checks that say the same of TLS.
#[derive(Default)]
pub(super) struct Clients(Mutex<HashMap<Tls, Arc<ClientConfig>>>);

impl Clients {
    /// Files are read anew from now on.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    async fn get(&self, tls: &Tls) -> Result<Arc<ClientConfig>, TlsFault> {
        let known = self.lock().get(tls).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let wanted = tls.clone();
        let made = tokio::task::spawn_blocking(move || crate::tls::make(&wanted)).await;
        let made = made.map_err(|error| TlsFault::Other(error.to_string()))??;
        self.lock().insert(tls.clone(), Arc::clone(&made));
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Tls, Arc<ClientConfig>>> {
        // An insertion that panicked has not left half an entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An application protocol (ALPN).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// None is offered.
    Whatever,
    Http1,
    Http2,
}

impl Speaks {
    fn offered(self) -> Vec<Vec<u8>> {
        match self {
            Self::Whatever => Vec::new(),
            Self::Http1 => vec![b"http/1.1".to_vec()],
            Self::Http2 => vec![b"h2".to_vec()],
        }
    }
}

/// Begins TLS in a connection. `host` is the name by which the server is asked, if any.
pub(super) async fn begin(
    attempt: &Attempt<'_>,
    tls: &Tls,
    host: Option<&str>,
    speaks: Speaks,
    stream: TcpStream,
) -> Result<(TlsStream<TcpStream>, Option<Certificate>), Failure> {
    let to = attempt.to();
    let failed = |fault| Failure::Tls { to, fault };
    let client = attempt
        .within(Wait::Handshake, attempt.tools.tls.get(tls))
        .await?;
    let connector = TlsConnector::from(client.map_err(failed)?);
    let name = name(tls, host, attempt.server().ip());
    let connector = connector.with_alpn(speaks.offered());
    let handshake = connector.connect(name, stream);
    let stream = attempt.within(Wait::Handshake, handshake).await?;
    let stream = stream.map_err(|error| Failure::io(to, Wait::Handshake, &error))?;
    let (_, session) = stream.get_ref();
    if speaks == Speaks::Http2 && session.alpn_protocol() != Some(b"h2") {
        return Err(failed(TlsFault::NoHttp2));
    }
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let expires = certificate.and_then(expires);
    let certificate = expires.map(|expires| Certificate {
        expires,
        warning: tls.expiry_warning,
    });
    Ok((stream, certificate))
}

fn name(tls: &Tls, host: Option<&str>, server: IpAddr) -> ServerName<'static> {
    let of_host = || {
        let name = ServerName::try_from(host?.to_owned());
        name.ok()
    };
    tls.sni
        .clone()
        .or_else(of_host)
        .unwrap_or_else(|| ServerName::IpAddress(server.into()))
}

/// `None`: the certificate cannot be read, or has no end.
pub(super) fn expires(certificate: &CertificateDer<'_>) -> Option<SystemTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let seconds = parsed.validity().not_after.timestamp();
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

impl TlsFault {
    /// What TLS says in an error of the connection.
    pub(super) fn inside(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<rustls::Error>().map(Self::of)
    }
}
