//! gRPC check: grpc.health.v1.Health/Check over HTTP/2.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, USER_AGENT};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Method, Request, Uri};

use crate::config::Grpc;

use super::attempt::Attempt;
use super::failure::{Failure, Wait, excerpt};
use super::http::Connection;
use super::outcome::{Good, Outcome};
use super::{socket, tls};

pub(super) mod message;

use message::Health;
pub(super) use message::MessageFault;

/// Of an answer, which has a few bytes.
const MOST: usize = 4 << 10;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum GrpcFault {
    #[error("the service is {0}")]
    NotServing(&'static str),
    #[error("status {code}: {words}")]
    Status { code: u32, words: String },
    #[error("it answers with HTTP status {0}: is there a gRPC server on this port?")]
    Http(u16),
    #[error("its answer is wrong: {0}")]
    Message(#[from] MessageFault),
    #[error("its answer is not whole: {0}")]
    Body(String),
}

pub(super) async fn probe(attempt: &Attempt<'_>, grpc: &Grpc) -> Outcome {
    let stream = socket::tcp(attempt).await?;
    let below = socket::again(&stream);
    let Some(tls) = &grpc.tls else {
        let connection = Connection::http2(attempt, below, stream).await?;
        return ask(attempt, connection, grpc).await;
    };
    let speaks = tls::Speaks::Http2;
    let (stream, certificate) = tls::begin(attempt, tls, None, speaks, stream).await?;
    let connection = Connection::http2(attempt, below, stream).await?;
    let good = ask(attempt, connection, grpc).await?;
    Ok(Good {
        certificate,
        ..good
    })
}

async fn ask(
    attempt: &Attempt<'_>,
    mut connection: Connection<Full<Bytes>>,
    grpc: &Grpc,
) -> Outcome {
    let to = attempt.to();
    let failed = |fault| Failure::Grpc { to, fault };
    let what = || "grpc.health.v1.Health/Check".to_owned();
    let request =
        request(attempt, grpc).map_err(|error| failed(GrpcFault::Body(error.to_string())))?;
    let response = connection.ask(attempt, request, &what).await?;
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        return Err(failed(GrpcFault::Http(head.status.as_u16())));
    }
    // A server without a message puts the status there.
    status(&head.headers).map_err(failed)?;
    let body = connection.drive(Limited::new(body, MOST).collect());
    let body = attempt.within(Wait::End, body).await?;
    let body = body.map_err(|error| failed(GrpcFault::Body(error.to_string())))?;
    if let Some(trailers) = body.trailers() {
        status(trailers).map_err(failed)?;
    }
    let serving = message::read(&body.to_bytes()).map_err(|fault| failed(fault.into()))?;
    if serving != Health::Well {
        return Err(failed(GrpcFault::NotServing(serving.name())));
    }
    connection.end(attempt).await;
    Ok(Good::default())
}

fn request(attempt: &Attempt<'_>, grpc: &Grpc) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let scheme = match grpc.tls {
        Some(_) => Scheme::HTTPS,
        None => Scheme::HTTP,
    };
    let authority = attempt.server().to_string();
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(Authority::try_from(authority)?)
        .path_and_query(PathAndQuery::from_static("/grpc.health.v1.Health/Check"))
        .build()?;
    Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, "lvx")
        .body(Full::new(message::write(&grpc.service).into()))
}

/// `Ok` where there is none, or 0.
fn status(headers: &HeaderMap) -> Result<(), GrpcFault> {
    let text = |name| headers.get(name).map(HeaderValue::as_bytes);
    let text = |name| text(name).map(String::from_utf8_lossy);
    let Some(code) = text("grpc-status") else {
        return Ok(());
    };
    let code = code.parse::<u32>().unwrap_or(2);
    let said = text("grpc-message").unwrap_or_default();
    let words = match code {
        0 => return Ok(()),
        5 => "the server knows no health of this service: look at `service`",
        12 => "the server does not offer grpc.health.v1",
        14 => "the service is unavailable",
        16 | 7 => "the server wants to know who asks",
        _ => "see the status codes of gRPC",
    };
    let words = match said.is_empty() {
        true => words.to_owned(),
        false => format!("{words} ({})", excerpt(&said)),
    };
    Err(GrpcFault::Status { code, words })
}
