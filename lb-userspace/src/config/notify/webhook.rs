//! `type = "webhook"`.

use std::time::Duration;

use hyper::Uri;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::Tls;
use crate::config::block::{Block, Value};
use crate::config::health::pair_of_files;
use crate::config::health::trust;
use crate::config::reader::{at, string, time};
use crate::config::report::Report;

use super::Webhook;
use super::means::{LONGEST, SHORTEST, TIMEOUT, secret};

/// What a message itself writes, or the protocol.
const OWN_HEADERS: &[HeaderName] = &[
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
];
/// Begin of the headers that are lvx's.
const OWN_PREFIX: &str = "x-lvx-";

pub(super) fn read(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Webhook> {
    let url = block.required(report, "url", at(url));
    let secret = secret(report, block, ("secret", "secret_file"));
    let headers = block.default(report, "headers", HeaderMap::new(), headers);
    let secure = url.as_ref().is_none_or(|url| is_secure(&url.value));
    // Else these keys have no meaning, and are said to be unknown here.
    let tls = if secure {
        tls(report, block).map(Some)
    } else {
        Some(None)
    };
    let timeout = block.default(report, "timeout", TIMEOUT, time(SHORTEST, LONGEST));
    Some(Webhook {
        url: url?.value,
        tls: tls?,
        secret: secret?,
        headers: headers?,
        timeout: timeout?,
    })
}

fn is_secure(url: &Uri) -> bool {
    url.scheme_str() == Some("https")
}

fn tls(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Tls> {
    let trust = trust(report, block);
    let identity = pair_of_files(report, block, ("cert", "key"));
    let trust = trust?;
    Some(Tls {
        sni: None,
        ca: trust.ca,
        verify: trust.verify,
        identity: identity?,
        expiry_warning: Duration::ZERO,
    })
}

/// Messages never quote it: it may be the password.
fn url(report: &mut Report<'_>, value: Value<'_>) -> Option<Uri> {
    let text = string(report, value)?;
    let url: Option<Uri> = text.parse().ok();
    let url = url.filter(|url| {
        let scheme = url.scheme_str();
        matches!(scheme, Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
    });
    let subject = value.subject();
    let Some(url) = url else {
        report
            .error(
                &value.span(),
                format!("{subject} is not a URL of http or https"),
            )
            .hint(r#"write it like "https://hooks.example.org/lvx""#);
        return None;
    };
    if url
        .authority()
        .is_some_and(|host| host.as_str().contains('@'))
    {
        report
            .error(&value.span(), format!("{subject} has a user in it"))
            .hint(r#"write `headers = { Authorization = "Basic …" }`"#);
        return None;
    }
    Some(url)
}

fn headers(report: &mut Report<'_>, value: Value<'_>) -> Option<HeaderMap> {
    const FORM: &str = r#"write it like { Authorization = "Bearer …" }"#;
    let Some(table) = value.toml().as_table() else {
        value.wrong_type(report, "a table").hint(FORM);
        return None;
    };
    let mut headers = HeaderMap::new();
    for (key, node) in table {
        let word = key.get_ref();
        let name = HeaderName::from_bytes(word.as_bytes()).ok();
        let Some(name) = name else {
            report
                .error(&key.span(), format!("{word:?} is not the name of a header"))
                .hint("it has letters, digits and dashes");
            continue;
        };
        if OWN_HEADERS.contains(&name) || name.as_str().starts_with(OWN_PREFIX) {
            report
                .error(&key.span(), format!("the header {word:?} is lvx's own"))
                .hint("remove it");
            continue;
        }
        let text = node.get_ref().as_str();
        let Some(mut content) = text.and_then(|text| HeaderValue::from_str(text).ok()) else {
            report
                .error(
                    &key.span(),
                    format!("the header {word:?} must be a string without control characters"),
                )
                .hint(FORM);
            continue;
        };
        content.set_sensitive(true);
        headers.append(name, content);
    }
    (headers.len() == table.len()).then_some(headers)
}
