//! Why there is no TLS, in words. PURE.

use std::path::Path;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TlsFault {
    /// One of our own.
    #[error("{path}: {why}")]
    File { path: String, why: String },
    #[error("this host has no certificates of authorities: install ca-certificates, or set `ca`")]
    NoAuthorities,
    #[error("the certificate is for {presented}, not for {expected}: set `sni` to a name it has")]
    OtherName { expected: String, presented: String },
    #[error("the certificate expired {} ago: renew it", days(*.0))]
    Expired(Duration),
    #[error("the certificate ends before it begins: make another")]
    Reversed,
    #[error("the certificate is not valid yet: is the clock of this host right?")]
    Early,
    #[error("nobody whom lvx trusts has signed the certificate: name the authority's file in `ca`")]
    UnknownIssuer,
    #[error("the certificate is wrong: {0}")]
    Certificate(String),
    #[error("the server does not speak TLS on this port: what came is something else")]
    NotTls,
    #[error("the server wants a certificate of ours: set `cert` and `key`")]
    WantsCertificate,
    #[error("the server does not take our certificate: {0}")]
    OurCertificate(String),
    #[error("the server knows no host of this name: set `sni`")]
    UnknownName,
    #[error("the server does not offer HTTP/2: write `version = \"1.1\"`, or enable it there")]
    NoHttp2,
    #[error("the server and lvx have no version or cipher of TLS in common: {0}")]
    NothingInCommon(String),
    #[error("the server ended it: {0}")]
    Alert(String),
    #[error("{0}")]
    Other(String),
}

impl TlsFault {
    pub(super) fn file(path: &Path, why: &str) -> Self {
        let path = path.display().to_string();
        let why = why.to_owned();
        Self::File { path, why }
    }

    /// In words where the name comes from `key`, and not from `sni`.
    pub(crate) fn told(&self, key: &str) -> String {
        self.to_string().replace("`sni`", &format!("`{key}`"))
    }

    pub(crate) fn of(error: &Error) -> Self {
        if let Error::InvalidCertificate(error) = error {
            return Self::of_certificate(error);
        }
        if let Error::AlertReceived(alert) = error {
            return Self::of_alert(*alert);
        }
        if let Error::PeerIncompatible(why) = error {
            return Self::of_incompatible(why);
        }
        if matches!(error, Error::InvalidMessage(_)) {
            return Self::of_message(error);
        }
        if *error == Error::NoApplicationProtocol {
            return Self::NoHttp2;
        }
        Self::Other(error.to_string())
    }

    fn of_certificate(error: &CertificateError) -> Self {
        if let CertificateError::NotValidForNameContext {
            expected,
            presented,
        } = error
        {
            let names = presented.iter().map(|name| plain(name));
            let names: Vec<String> = names.collect();
            return Self::OtherName {
                expected: expected.to_str().into_owned(),
                presented: match names.as_slice() {
                    [] => "no name at all".to_owned(),
                    names => names.join(", "),
                },
            };
        }
        if let CertificateError::ExpiredContext { time, not_after } = error {
            let since = time.as_secs().saturating_sub(not_after.as_secs());
            return Self::Expired(Duration::from_secs(since));
        }
        if *error == CertificateError::Expired {
            // This is how rustls tells it.
            return Self::Reversed;
        }
        if matches!(error, CertificateError::NotValidYetContext { .. }) {
            return Self::Early;
        }
        if *error == CertificateError::UnknownIssuer {
            return Self::UnknownIssuer;
        }
        Self::Certificate(error.to_string())
    }

    fn of_alert(alert: AlertDescription) -> Self {
        if alert == AlertDescription::CertificateRequired {
            return Self::WantsCertificate;
        }
        if alert == AlertDescription::UnrecognisedName {
            return Self::UnknownName;
        }
        if alert == AlertDescription::NoApplicationProtocol {
            return Self::NoHttp2;
        }
        if alert == AlertDescription::ProtocolVersion {
            return Self::NothingInCommon(format!("{alert:?}"));
        }
        let ours = [
            AlertDescription::BadCertificate,
            AlertDescription::UnknownCA,
            AlertDescription::CertificateExpired,
            AlertDescription::CertificateUnknown,
            AlertDescription::UnsupportedCertificate,
            AlertDescription::CertificateRevoked,
        ];
        if ours.contains(&alert) {
            return Self::OurCertificate(format!("{alert:?}"));
        }
        Self::Alert(format!("{alert:?}"))
    }

    fn of_incompatible(why: &PeerIncompatible) -> Self {
        Self::NothingInCommon(format!("{why:?}"))
    }

    fn of_message(error: &Error) -> Self {
        let Error::InvalidMessage(message) = error else {
            return Self::Other(error.to_string());
        };
        let foreign = [
            InvalidMessage::InvalidContentType,
            InvalidMessage::UnknownProtocolVersion,
            InvalidMessage::MessageTooLarge,
        ];
        if foreign.contains(message) {
            return Self::NotTls;
        }
        Self::Other(error.to_string())
    }
}

/// `DnsName("www.example.com")` is how rustls-webpki writes a name.
fn plain(name: &str) -> String {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"').to_owned()
}

/// A span of time in whole days.
pub(crate) fn days(time: Duration) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match time.as_secs() / DAY {
        0 => "less than a day".to_owned(),
        1 => "a day".to_owned(),
        days => format!("{days} days"),
    }
}
