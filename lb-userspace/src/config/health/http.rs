//! Checks `http` and `https`.

use hyper::Method;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;

use crate::config::block::{Block, Kind, Value};
use crate::config::reader::{choice, string};
use crate::config::report::Report;
use crate::config::{Http, HttpVersion, Url};

use super::{tls, via};

mod wanted;

use wanted::{body, status};

const VERSIONS: &[(&str, HttpVersion)] = &[("1.1", HttpVersion::Http1), ("2", HttpVersion::Http2)];

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Head,
    Options,
    Post,
}

const VERBS: &[(&str, Verb)] = &[
    ("GET", Verb::Get),
    ("HEAD", Verb::Head),
    ("OPTIONS", Verb::Options),
    ("POST", Verb::Post),
];

/// What a check itself writes or leaves to the protocol.
const OWN_HEADERS: &[HeaderName] = &[
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
];

pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    secure: bool,
) -> Option<Box<Http>> {
    let default = Url {
        method: Method::GET,
        path: PathAndQuery::from_static("/"),
        host: None,
        headers: HeaderMap::new(),
        status: vec![200..=299],
        body: None,
    };
    let own = url(report, block, &default);
    let version = block.default(report, "version", HttpVersion::Http1, choice(VERSIONS));
    let urls = match (block.take("urls"), &own) {
        (None, own) => own.clone().map(|own| vec![own]),
        (Some(value), own) => urls(report, block, value, own.as_ref().unwrap_or(&default)),
    };
    let tls = if secure {
        tls::read(report, block).map(Some)
    } else {
        Some(None)
    };
    own?;
    Some(Box::new(Http {
        tls: tls?,
        version: version?,
        urls: urls?,
    }))
}

/// Each a path, or a table with what is different from the check's own keys.
fn urls(
    report: &mut Report<'_>,
    block: &Block<'_>,
    value: Value<'_>,
    default: &Url,
) -> Option<Vec<Url>> {
    let Some(array) = value.toml().as_array() else {
        value.wrong_type(report, "an array").hint(
            r#"write the paths, or tables with more to say: ["/", { path = "/x", status = 204 }]"#,
        );
        return None;
    };
    if array.is_empty() {
        report
            .error(&value.span(), "`urls` is empty")
            .hint("remove it: `path` alone is one URL");
        return None;
    }
    let mut urls = Vec::new();
    for node in array {
        let element = Value {
            element: true,
            node,
            ..value
        };
        let read = if let Some(table) = node.get_ref().as_table() {
            let mut inner = Block::new(Kind::Url, node.span(), Some(table));
            let read = url(report, &mut inner, default);
            inner.finish(report, Some(block));
            read
        } else {
            path(report, element).map(|path| Url {
                path,
                ..default.clone()
            })
        };
        urls.extend(read);
    }
    (urls.len() == array.len()).then_some(urls)
}

fn url(report: &mut Report<'_>, block: &mut Block<'_>, default: &Url) -> Option<Url> {
    let method = block.optional(report, "method", choice(VERBS));
    let path = block.optional(report, "path", path_or_dr);
    let host = block.optional(report, "host", host);
    let headers = block.default(report, "headers", default.headers.clone(), headers);
    let status = block.default(report, "status", default.status.clone(), status);
    let body = body(report, block);
    let method = match method? {
        None => default.method.clone(),
        Some(Verb::Get) => Method::GET,
        Some(Verb::Head) => Method::HEAD,
        Some(Verb::Options) => Method::OPTIONS,
        Some(Verb::Post) => Method::POST,
    };
    let body = body?.or_else(|| default.body.clone());
    if method == Method::HEAD && body.is_some() {
        report
            .error(&block.span, "the answer to HEAD has no body")
            .hint("remove `body`, or ask with GET");
        return None;
    }
    Some(Url {
        method,
        path: path?.flatten().unwrap_or_else(|| default.path.clone()),
        host: host?.or_else(|| default.host.clone()),
        headers: headers?,
        status: status?,
        body,
    })
}

/// `None`: it says which address to ask for.
fn path_or_dr(report: &mut Report<'_>, value: Value<'_>) -> Option<Option<PathAndQuery>> {
    if via::may_be_dr(value.kind) && value.toml().as_str() == Some(via::DIRECT_ROUTING) {
        return Some(None);
    }
    path(report, value).map(Some)
}

fn path(report: &mut Report<'_>, value: Value<'_>) -> Option<PathAndQuery> {
    let text = string(report, value)?;
    let subject = value.subject();
    let parsed = text.parse::<PathAndQuery>().ok();
    let parsed = parsed.filter(|_| text.starts_with('/'));
    if parsed.is_none() {
        report
            .error(
                &value.span(),
                format!("{subject} is not the path of a URL: {text:?}"),
            )
            .hint(r#"start it with a slash, without scheme and host: "/health?full=1""#);
    }
    parsed
}

fn host(report: &mut Report<'_>, value: Value<'_>) -> Option<HeaderValue> {
    let text = string(report, value)?;
    let parsed = text
        .parse::<hyper::http::uri::Authority>()
        .ok()
        .filter(|_| !text.contains('@'))
        .and_then(|_| HeaderValue::from_str(text).ok());
    if parsed.is_none() {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not the name of a host: {text:?}"),
            )
            .hint(r#"write it as browsers send it: "www.example.com""#);
    }
    parsed
}

fn headers(report: &mut Report<'_>, value: Value<'_>) -> Option<HeaderMap> {
    let Some(table) = value.toml().as_table() else {
        value
            .wrong_type(report, "a table")
            .hint(r#"write it like { "X-Probe" = "lvx" }"#);
        return None;
    };
    let mut headers = HeaderMap::new();
    for (key, node) in table {
        let word = key.get_ref();
        let mut fault = |message: String, hint: &str| {
            report.error(&key.span(), message).hint(hint);
        };
        let Ok(name) = HeaderName::from_bytes(word.as_bytes()) else {
            fault(
                format!("{word:?} is not the name of a header"),
                "it has letters, digits and dashes",
            );
            continue;
        };
        if OWN_HEADERS.contains(&name) {
            let hint = match name {
                header::HOST => "write it as `host`, beside `headers`",
                _ => "remove it",
            };
            fault(format!("the header {word:?} is the check's own"), hint);
            continue;
        }
        let text = node.get_ref().as_str();
        let Some(content) = text.and_then(|text| HeaderValue::from_str(text).ok()) else {
            fault(
                format!("the header {word:?} must be a string without control characters"),
                r#"write it like { "X-Probe" = "lvx" }"#,
            );
            continue;
        };
        headers.append(name, content);
    }
    (headers.len() == table.len()).then_some(headers)
}
