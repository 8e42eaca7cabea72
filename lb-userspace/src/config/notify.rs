//! What `[[notify]]` says: who is told of events, by which means, and how much at once.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderMap;
use lettre::message::Mailbox;

use super::{Script, Tls};

mod command;
mod mail;
mod means;
mod read;
mod template;
mod topic;
mod webhook;

pub(super) use read::{Around, Draft, read};
pub use template::{Field, Template};
pub use topic::Topic;

/// A target of notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub means: Means,
    pub topics: Vec<Topic>,
    /// Of events about services: only these; `None`: all.
    pub services: Option<Vec<String>>,
    /// Of events about VRRP instances: only these; `None`: all.
    pub instances: Option<Vec<String>>,
    pub pace: Pace,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Events of that long from the first one are one message.
    pub group: Duration,
    /// `None`: any number.
    pub rate: Option<Rate>,
}

/// At most `count` messages in any span of length `per`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub count: u32,
    pub per: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    Mail(Box<Mail>),
    Webhook(Box<Webhook>),
    /// Gets the message on its standard input, and in variables.
    Command(Box<Script>),
}

impl Means {
    /// As the file writes it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
            Self::Command(_) => "command",
        }
    }

    /// In which a delivery succeeds or has failed.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        match self {
            Self::Mail(mail) => mail.timeout,
            Self::Webhook(webhook) => webhook.timeout,
            Self::Command(script) => script.timeout,
        }
    }

    /// What the operator shall not overlook, a sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<&'static str> {
        const UNVERIFIED: &str = "does not verify the server's certificate (`verify = false`): \
                                  whoever answers in its place reads the messages";
        const IN_CLEAR: &str = "sends its password in clear text (`tls = \"none\"`)";
        let (unverified, in_clear) = match self {
            Self::Mail(mail) => (
                mail.tls != MailTls::None && !mail.trust.verify,
                mail.tls == MailTls::None && mail.login.is_some(),
            ),
            Self::Webhook(webhook) => {
                let tls = webhook.tls.as_ref();
                (tls.is_some_and(|tls| !tls.verify), false)
            }
            Self::Command(_) => (false, false),
        };
        let all = [(unverified, UNVERIFIED), (in_clear, IN_CLEAR)];
        let some = all.into_iter().filter(|(is, _)| *is);
        some.map(|(_, words)| words).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: Mailbox,
    /// At least one.
    pub to: Vec<Mailbox>,
    /// Name or address of the mail server.
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub trust: Trust,
    pub login: Option<(String, Secret)>,
    /// The name by which lvx introduces itself; `None`: the host's.
    pub hello: Option<String>,
    pub timeout: Duration,
    /// `None`: of lvx's own making.
    pub subject: Option<Template>,
    pub body: Option<Template>,
}

/// `tls` of a mail target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// A connection that begins without TLS and must go over to it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    None,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// Certificates of authorities; `None`: those of this host.
    pub ca: Option<PathBuf>,
    /// `false`: any certificate passes.
    pub verify: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// `http` or `https`, with a host.
    pub url: Uri,
    /// `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Messages are signed with it.
    pub secret: Option<Secret>,
    pub headers: HeaderMap,
    pub timeout: Duration,
}

impl fmt::Debug for Webhook {
    /// Never the path or the headers: for many services these are the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.url.host())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A password or a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Text(String),
    /// Read anew for each message.
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::Text("hunter2".to_owned());
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer hunter2".parse().unwrap());
        let webhook = Webhook {
            url: "https://hooks.example.org/hunter2".parse().unwrap(),
            tls: None,
            secret: Some(secret.clone()),
            headers,
            timeout: Duration::from_secs(1),
        };
        for shown in [format!("{secret:?}"), format!("{webhook:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert!(format!("{webhook:?}").contains("hooks.example.org"));
    }
}
