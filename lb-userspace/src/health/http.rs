//! HTTP check: requests over connections of their own, and whether the answers are as wanted.

use std::ops::RangeInclusive;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::http::uri::{Authority, Scheme};
use hyper::{Method, Request, Response, StatusCode, Uri};
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::{Http, HttpVersion, Url};

use super::attempt::Attempt;
use super::failure::Failure;
use super::outcome::{Good, Outcome};
use super::{socket, tls};

pub(super) mod body;
mod connection;

pub(super) use body::BodyFault;
pub(super) use connection::Connection;

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HttpFault {
    #[error("{what}: status {status}, expected {wanted}{hint}")]
    Status {
        what: String,
        status: StatusCode,
        wanted: String,
        hint: &'static str,
    },
    #[error("{what}: {fault}")]
    Body { what: String, fault: BodyFault },
    #[error("{what}: {why}")]
    Protocol { what: String, why: String },
}

/// Of requests that are redirected.
const REDIRECTED: &str = ": redirects are not followed";

pub(super) async fn probe(attempt: &Attempt<'_>, http: &Http) -> Outcome {
    let mut good = Good::default();
    for url in &http.urls {
        good = good.and(fetch(attempt, http, url).await?);
    }
    Ok(good)
}

/// Asks for one URL, in a connection of its own.
async fn fetch(attempt: &Attempt<'_>, http: &Http, url: &Url) -> Outcome {
    let stream = socket::tcp(attempt).await?;
    let below = socket::again(&stream);
    let host = host(attempt, url, http.tls.is_some());
    let Some(tls) = &http.tls else {
        let connection = connect(attempt, http, below, stream).await?;
        return exchange(attempt, connection, http, url, &host).await;
    };
    let speaks = match http.version {
        HttpVersion::Http1 => tls::Speaks::Http1,
        HttpVersion::Http2 => tls::Speaks::Http2,
    };
    let name = url.host.as_ref().and_then(|host| host.to_str().ok());
    let name = name.and_then(|name| name.parse::<Authority>().ok());
    let name = name.as_ref().map(Authority::host);
    let (stream, certificate) = tls::begin(attempt, tls, name, speaks, stream).await?;
    let connection = connect(attempt, http, below, stream).await?;
    let good = exchange(attempt, connection, http, url, &host).await?;
    Ok(Good {
        certificate,
        ..good
    })
}

async fn connect<S>(
    attempt: &Attempt<'_>,
    http: &Http,
    below: Option<Socket>,
    stream: S,
) -> Result<Connection<Empty<Bytes>>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match http.version {
        HttpVersion::Http1 => Connection::http1(attempt, below, stream).await,
        HttpVersion::Http2 => Connection::http2(attempt, below, stream).await,
    }
}

async fn exchange(
    attempt: &Attempt<'_>,
    mut connection: Connection<Empty<Bytes>>,
    http: &Http,
    url: &Url,
    host: &HeaderValue,
) -> Outcome {
    let what = || format!("{} {}", url.method, url.path);
    let request = request(http, url, host);
    let request = request.map_err(|error| {
        let (what, why) = (what(), error.to_string());
        Failure::Http(HttpFault::Protocol { what, why })
    })?;
    let response = connection.ask(attempt, request, &what).await?;
    judge_status(&response, url, &what)?;
    let fault = body::read(attempt, &mut connection, response, url, &what).await?;
    if let Some(fault) = fault {
        let what = what();
        return Err(Failure::Http(HttpFault::Body { what, fault }));
    }
    connection.end(attempt).await;
    Ok(Good::default())
}

fn request(
    http: &Http,
    url: &Url,
    host: &HeaderValue,
) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let scheme = match http.tls {
        Some(_) => Scheme::HTTPS,
        None => Scheme::HTTP,
    };
    let request = Request::builder().method(url.method.clone());
    let mut request = match http.version {
        HttpVersion::Http1 => request
            .uri(Uri::from(url.path.clone()))
            .header(header::HOST, host)
            .header(header::CONNECTION, "close"),
        HttpVersion::Http2 => request.uri(
            Uri::builder()
                .scheme(scheme)
                .authority(host.as_bytes())
                .path_and_query(url.path.clone())
                .build()?,
        ),
    };
    if !url.headers.contains_key(header::USER_AGENT) {
        request = request.header(header::USER_AGENT, "lvx");
    }
    if url.method == Method::POST && http.version == HttpVersion::Http1 {
        request = request.header(header::CONTENT_LENGTH, "0");
    }
    for (name, value) in &url.headers {
        request = request.header(name, value);
    }
    request.body(Empty::new())
}

/// As the request names it.
fn host(attempt: &Attempt<'_>, url: &Url, secure: bool) -> HeaderValue {
    if let Some(host) = &url.host {
        return host.clone();
    }
    let server = attempt.server();
    let usual = if secure { 443 } else { 80 };
    let text = match (server.port() == usual, server.is_ipv6()) {
        (false, _) => server.to_string(),
        (true, false) => server.ip().to_string(),
        (true, true) => format!("[{}]", server.ip()),
    };
    // An address has nothing that a header could not.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("localhost"))
}

fn judge_status(
    response: &Response<Incoming>,
    url: &Url,
    what: &impl Fn() -> String,
) -> Result<(), Failure> {
    let status = response.status();
    let code = status.as_u16();
    if url.status.iter().any(|range| range.contains(&code)) {
        return Ok(());
    }
    let wanted: Vec<String> = url.status.iter().map(show).collect();
    Err(Failure::Http(HttpFault::Status {
        what: what(),
        status,
        wanted: wanted.join(", "),
        hint: if status.is_redirection() {
            REDIRECTED
        } else {
            ""
        },
    }))
}

fn show(range: &RangeInclusive<u16>) -> String {
    match (range.start(), range.end()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}-{last}"),
    }
}
