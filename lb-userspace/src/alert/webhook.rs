//! Messages to a web server: signed JSON by HTTP/1.1.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{FusedFuture, FutureExt};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use ring::hmac;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::Webhook;
use crate::tls::{self, TlsFault};

use super::deliver::{later, read_secret};
use super::json;
use super::message::{Context, Message};
use super::outbox::Outcome;

mod answer;

const TIMESTAMP: HeaderName = HeaderName::from_static("x-lvx-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-lvx-signature");
const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");
/// Of the head of an answer; its body is not read.
const HEAD: usize = 64 << 10;
const FAREWELL: Duration = Duration::from_millis(50);

pub(super) async fn deliver(webhook: &Webhook, context: &Context, message: &Message) -> Outcome {
    let body = match json::body(message, context) {
        Ok(body) => body,
        Err(why) => return Outcome::Never { why },
    };
    let now = SystemTime::now();
    let server = place(&webhook.url);
    let asked = async {
        let request = request(webhook, message, body, now).await?;
        ask(webhook, request).await
    };
    match timeout(webhook.timeout, asked).await {
        Ok(Ok(head)) => answer::judge(&server, head.status, &head.headers, now),
        Ok(Err(why)) => later(format!("{server}: {why}")),
        Err(_) => later(format!("{server}: no answer within {:?}", webhook.timeout)),
    }
}

/// Where the request goes; never its path, which may be the password.
fn place(url: &Uri) -> String {
    let authority = url.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", url.scheme_str().unwrap_or_default())
}

/// Written anew for each try: the time is signed, so that nobody can use it again later.
async fn request(
    webhook: &Webhook,
    message: &Message,
    body: Vec<u8>,
    now: SystemTime,
) -> Result<Request<Full<Bytes>>, String> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let timestamp = seconds.to_string();
    let path = webhook.url.path_and_query();
    let path = path
        .cloned()
        .unwrap_or_else(|| PathAndQuery::from_static("/"));
    let authority = webhook
        .url
        .authority()
        .map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(Uri::from(path))
        .header(header::HOST, authority)
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_TYPE, "application/json")
        .header(IDEMPOTENCY, &message.id)
        .header(TIMESTAMP, &timestamp);
    if !webhook.headers.contains_key(header::USER_AGENT) {
        let agent = concat!("lvx/", env!("CARGO_PKG_VERSION"));
        request = request.header(header::USER_AGENT, agent);
    }
    if let Some(secret) = &webhook.secret {
        let secret = read_secret(secret).await;
        let secret = secret.map_err(|why| format!("secret_file: {why}"))?;
        let signature = sign(secret.as_bytes(), &timestamp, &body);
        request = request.header(SIGNATURE, signature);
    }
    for (name, value) in &webhook.headers {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::from(body));
    request.body(body).map_err(|error| error.to_string())
}

/// `sha256=`, and the HMAC of the timestamp, a dot and the body in hexadecimal.
fn sign(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body);
    let tag = context.sign();
    let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256={hex}")
}

async fn ask(webhook: &Webhook, request: Request<Full<Bytes>>) -> Result<Parts, String> {
    // An IPv6 address has brackets in a URL.
    let host = webhook.url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let usual = if webhook.tls.is_some() { 443 } else { 80 };
    let port = webhook.url.port_u16().unwrap_or(usual);
    let stream = TcpStream::connect((host, port)).await;
    let stream = stream.map_err(|error| format!("cannot connect: {error}"))?;
    let Some(tls) = &webhook.tls else {
        return exchange(stream, request).await;
    };
    let tls = tls.clone();
    let client = spawn_blocking(move || tls::make(&tls)).await;
    let client = client.map_err(|error| error.to_string())?;
    let client = client.map_err(|fault| format!("TLS: {fault}"))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(client);
    let stream = connector.connect(name, stream).await.map_err(|error| {
        let fault = error.get_ref();
        let fault = fault.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let fault = fault.map_or_else(|| error.to_string(), |one| TlsFault::of(one).told("url"));
        format!("TLS: {fault}")
    })?;
    exchange(stream, request).await
}

/// The head of the answer.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Parts, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD);
    let opened = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
    let mut connection = Box::pin(connection).fuse();
    let answer = sender.send_request(request);
    tokio::pin!(answer);
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        // What is wrong with the connection is what the answer fails with.
        _ = &mut connection => answer.await,
    };
    let (head, body) = answer
        .map_err(|error| format!("no answer: {error}"))?
        .into_parts();
    drop((sender, body));
    if !connection.is_terminated() {
        // The end of it is of no interest, unless it comes at once.
        let _ = timeout(FAREWELL, connection).await;
    }
    Ok(head)
}

/// Of a header.
fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` says.
    #[test]
    fn a_signature_is_that_of_other_programs() {
        assert_eq!(
            sign(b"key", "1700000000", b"{}"),
            "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
        );
    }

    #[test]
    fn a_place_has_no_path() {
        let url = "https://hooks.example.org:8443/T0/secret?x=1"
            .parse()
            .unwrap();
        assert_eq!(place(&url), "https://hooks.example.org:8443");
    }
}
