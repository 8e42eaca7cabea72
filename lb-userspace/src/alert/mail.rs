//! Messages by mail: SMTP, with STARTTLS or TLS.

use std::error::Error as _;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::config::{Mail, MailTls};
use crate::tls::TlsFault;

use super::deliver::{later, read_secret};
use super::message::{Context, Message};
use super::outbox::Outcome;

mod compose;

use compose::Composed;

/// The message has been taken by then; this is politeness.
const FAREWELL: Duration = Duration::from_millis(500);
/// Replies about who we are: another password or another setting of the server's may help, so
/// that the message is kept.
const ABOUT_US: &[&str] = &["530", "534", "535", "538"];

pub(super) async fn deliver(mail: &Mail, context: &Context, message: &Message) -> Outcome {
    let composed = match compose::compose(mail, context, message) {
        Ok(composed) => composed,
        Err(why) => return Outcome::Never { why },
    };
    let server = format!("mail server {}:{}", mail.host, mail.port);
    match timeout(mail.timeout, hand_over(mail, &composed)).await {
        Ok(Ok(mut connection)) => {
            // The message is the server's: whatever happens now, it is not sent again.
            let _ = timeout(FAREWELL, connection.quit()).await;
            Outcome::Sent
        }
        Ok(Err(Fault::Own(why))) => later(why),
        Ok(Err(Fault::Smtp { doing, error })) => judge(&server, doing, &error),
        Err(_) => later(format!("{server}: no success within {:?}", mail.timeout)),
    }
}

enum Fault {
    /// Of this host.
    Own(String),
    Smtp {
        doing: &'static str,
        error: Error,
    },
}

impl Fault {
    fn while_doing(doing: &'static str) -> impl Fn(Error) -> Self {
        move |error| Self::Smtp { doing, error }
    }
}

async fn hand_over(mail: &Mail, composed: &Composed) -> Result<AsyncSmtpConnection, Fault> {
    let credentials = match &mail.login {
        None => None,
        Some((user, secret)) => {
            let password = read_secret(secret).await;
            let password = password.map_err(|why| Fault::Own(format!("password_file: {why}")))?;
            Some(Credentials::new(user.clone(), password))
        }
    };
    let tls = match mail.tls {
        MailTls::None => None,
        MailTls::StartTls | MailTls::Tls => {
            let mail = mail.clone();
            let made = spawn_blocking(move || parameters(&mail)).await;
            let made = made.map_err(|error| Fault::Own(error.to_string()))?;
            Some(made.map_err(Fault::Own)?)
        }
    };
    let (at_once, then) = match mail.tls {
        MailTls::Tls => (tls, None),
        MailTls::StartTls | MailTls::None => (None, tls),
    };
    let hello = mail
        .hello
        .clone()
        .map_or_else(ClientId::default, ClientId::Domain);
    let server = (mail.host.as_str(), mail.port);
    let connection = AsyncSmtpConnection::connect_tokio1(server, None, &hello, at_once, None);
    let mut connection = connection.await.map_err(Fault::while_doing("connecting"))?;
    if let Some(tls) = then {
        let upgraded = connection.starttls(tls, &hello).await;
        upgraded.map_err(Fault::while_doing("STARTTLS"))?;
    }
    if let Some(credentials) = credentials {
        let known = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
        known.map_err(Fault::while_doing("AUTH"))?;
    }
    let sent = connection.send(&composed.envelope, &composed.bytes).await;
    sent.map_err(Fault::while_doing("sending"))?;
    Ok(connection)
}

/// Reads the authorities' file anew.
fn parameters(mail: &Mail) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.trust.ca {
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authorities(path)?);
    }
    if !mail.trust.verify {
        builder = builder
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true);
    }
    builder.build().map_err(|error| words(&error))
}

fn authorities(path: &Path) -> Result<Certificate, String> {
    let shown = path.display();
    let pem = std::fs::read(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    Certificate::from_pem(&pem).map_err(|error| format!("{shown}: {}", words(&error)))
}

fn judge(server: &str, doing: &str, error: &Error) -> Outcome {
    let why = format!("{server}: {doing}: {}", words(error));
    let about_us = error
        .status()
        .is_some_and(|code| ABOUT_US.contains(&code.to_string().as_str()));
    if error.is_permanent() && !about_us {
        return Outcome::Never { why };
    }
    later(why)
}

/// The error and what caused it; of TLS in our own words.
fn words(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let tls = inner.downcast_ref::<rustls::Error>();
        let nested = || {
            let io = inner.downcast_ref::<std::io::Error>()?;
            io.get_ref()?.downcast_ref::<rustls::Error>()
        };
        if let Some(tls) = tls.or_else(nested) {
            return TlsFault::of(tls).told("server");
        }
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}
