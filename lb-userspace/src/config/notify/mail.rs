//! `type = "mail"`.

use std::net::Ipv6Addr;

use lettre::message::Mailbox;

use crate::config::block::{Block, Value};
use crate::config::health::trust;
use crate::config::reader::{at, choice, list, one_of, string, time};
use crate::config::report::{At, Report};
use crate::config::suggest;

use super::means::{LONGEST, SHORTEST, TIMEOUT, secret};
use super::read::Around;
use super::template::TemplateError;
use super::{Field, Mail, MailTls, Secret, Template};

const TLS: &[(&str, MailTls)] = &[
    ("starttls", MailTls::StartTls),
    ("tls", MailTls::Tls),
    ("none", MailTls::None),
];

pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    around: &Around<'_>,
) -> Option<Mail> {
    let to = block.required(report, "to", recipients);
    let from = block.optional(report, "from", mailbox);
    let from = from.and_then(|from| from.or_else(|| sender(report, block, around)));
    let server = block.required(report, "server", server);
    let tls = block.default(report, "tls", MailTls::StartTls, choice(TLS));
    let trust = trust(report, block);
    let username = block.optional(report, "username", at(line));
    let password = secret(report, block, ("password", "password_file"));
    let login = username
        .zip(password)
        .and_then(|(username, password)| login(report, block, username, password));
    let hello = block.optional(report, "hello", line);
    let timeout = block.default(report, "timeout", TIMEOUT, time(SHORTEST, LONGEST));
    let subject = block.optional(report, "subject", template);
    let body = block.optional(report, "body", template);
    let (host, port) = server?;
    let tls = tls?;
    Some(Mail {
        from: from?,
        to: to?,
        host,
        port: port.unwrap_or(match tls {
            MailTls::StartTls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        }),
        tls,
        trust: trust?,
        login: login?,
        hello: hello?,
        timeout: timeout?,
        subject: subject?,
        body: body?,
    })
}

/// Who writes, where the file does not say.
fn sender(report: &mut Report<'_>, block: &Block<'_>, around: &Around<'_>) -> Option<Mailbox> {
    let address = format!("lvx@{}", around.router_id);
    let sender = address.parse().ok();
    if sender.is_none() {
        report.absent(
            &block.span,
            format!("`from` is missing, and {address:?} is no mail address"),
            r#"add `from = "lvx@example.org"`"#.to_owned(),
        );
    }
    sender
}

fn login(
    report: &mut Report<'_>,
    block: &Block<'_>,
    username: Option<At<String>>,
    password: Option<Secret>,
) -> Option<Option<(String, Secret)>> {
    match (username, password) {
        (None, None) => Some(None),
        (Some(username), Some(password)) => Some(Some((username.value, password))),
        (Some(At { span, .. }), None) => {
            report
                .error(&span, "`username` without a password")
                .hint("add `password_file = …` or `password = …`");
            None
        }
        (None, Some(_)) => {
            report.absent(
                &block.span,
                "a password without `username`".to_owned(),
                "add `username = …`".to_owned(),
            );
            None
        }
    }
}

fn recipients(report: &mut Report<'_>, value: Value<'_>) -> Option<Vec<Mailbox>> {
    if value.toml().as_str().is_some() {
        return mailbox(report, value).map(|one| vec![one]);
    }
    let all = list(mailbox)(report, value)?;
    if all.items.is_empty() && all.whole {
        report
            .error(&value.span(), "`to` is empty")
            .hint(r#"write who gets the mail: ["ops@example.org"]"#);
        return None;
    }
    let items = all.items.into_iter();
    all.whole.then(|| items.map(|item| item.value).collect())
}

fn mailbox(report: &mut Report<'_>, value: Value<'_>) -> Option<Mailbox> {
    let text = string(report, value)?;
    let parsed = text.parse().ok();
    let parsed = parsed.filter(|_| !text.contains(char::is_control));
    if parsed.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not a mail address: {text:?}"),
            )
            .hint(r#"write it like "ops@example.org" or "Ops <ops@example.org>""#);
    }
    parsed
}

/// `host`, `host:port`, `[2001:db8::25]:25`.
fn server(report: &mut Report<'_>, value: Value<'_>) -> Option<(String, Option<u16>)> {
    let text = string(report, value)?;
    let parsed = split(text);
    if parsed.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not a host with a port: {text:?}"),
            )
            .hint(r#"write it like "mail.example.org:587" or "[2001:db8::25]:25""#);
    }
    parsed
}

fn split(text: &str) -> Option<(String, Option<u16>)> {
    let port = |text: &str| text.parse().ok().filter(|port| *port > 0);
    if let Ok(ip) = text.parse::<Ipv6Addr>() {
        return Some((ip.to_string(), None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (ip, rest) = rest.split_once(']')?;
        let ip = ip.parse::<Ipv6Addr>().ok()?.to_string();
        return match rest.strip_prefix(':') {
            Some(number) => Some((ip, Some(port(number)?))),
            None => rest.is_empty().then_some((ip, None)),
        };
    }
    let (host, number) = match text.split_once(':') {
        Some((host, number)) => (host, Some(port(number)?)),
        None => (text, None),
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    (!host.is_empty() && host.bytes().all(fits)).then(|| (host.to_owned(), number))
}

fn line(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    if text.is_empty() || text.contains(char::is_control) {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is empty or has a control character"),
            )
            .hint("write a line of text");
        return None;
    }
    Some(text.to_owned())
}

fn template(report: &mut Report<'_>, value: Value<'_>) -> Option<Template> {
    let text = string(report, value)?;
    let error = match Template::parse(text) {
        Ok(template) => return Some(template),
        Err(error) => error,
    };
    let subject = value.subject();
    let names = || Field::NAMES.iter().map(|(name, _)| *name);
    let list = one_of(names().map(|name| format!("{{{name}}}")));
    let hint = match &error {
        TemplateError::Unknown(name) => match suggest::closest(name, names()) {
            Some(close) => format!("did you mean {{{close}}}? There are {list}"),
            None => format!("there are {list}"),
        },
        TemplateError::Open | TemplateError::Closed => {
            format!("a brace in the text is written twice; placeholders are {list}")
        }
    };
    report
        .error(&value.span(), format!("{subject} {error}"))
        .hint(hint);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_names_and_addresses() {
        for (text, host, port) in [
            ("mail.example.org", "mail.example.org", None),
            ("mail.example.org:587", "mail.example.org", Some(587)),
            ("192.0.2.1:25", "192.0.2.1", Some(25)),
            ("2001:db8::25", "2001:db8::25", None),
            ("[2001:db8::25]", "2001:db8::25", None),
            ("[2001:db8::25]:25", "2001:db8::25", Some(25)),
        ] {
            assert_eq!(split(text), Some((host.to_owned(), port)), "{text}");
        }
        for text in [
            "", ":25", "a:", "a:0", "a:70000", "a b:25", "[::1]x", "[::1]:", "[a]:1",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
