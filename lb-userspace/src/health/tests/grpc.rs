//! gRPC checks: of a server with grpc.health.v1.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::server::{Behaviour, Server};
use super::*;

/// Answers by the name of the service that is asked for.
async fn answer(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<BoxBody<Bytes, std::convert::Infallible>>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let kind = request.headers().get("content-type").cloned();
    let asked = request.into_body().collect().await?.to_bytes();
    let service = String::from_utf8_lossy(asked.get(7..).unwrap_or_default()).into_owned();
    let status = match service.as_str() {
        "" => 1,
        "api" => 1,
        "sick" => 2,
        _ => 0,
    };
    let found = path == "/grpc.health.v1.Health/Check";
    let code = match (found, service.as_str()) {
        (false, _) => "12",
        (true, "" | "api" | "sick") => "0",
        (true, _) => "5",
    };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    let body = Full::new(Bytes::from(vec![0, 0, 0, 0, 2, 8, status]));
    let body = body.with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed());
    if service == "web" || kind.is_none_or(|kind| kind != "application/grpc") {
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
    }
    Ok(response)
}

async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(answer);
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[tokio::test]
async fn services() {
    let to = server().await;
    for (service, words) in [
        ("", "up"),
        ("api", "up"),
        ("sick", "gRPC server SERVER: the service is NOT_SERVING"),
        (
            "none",
            "gRPC server SERVER: status 5: the server knows no health of this service: look at \
             `service`",
        ),
        (
            "web",
            "gRPC server SERVER: it answers with HTTP status 404: is there a gRPC server on this \
             port?",
        ),
    ] {
        let snippet = format!("type = \"grpc\"\nservice = {service:?}");
        assert_eq!(said(&snippet, to).await, words, "{service}");
    }
}

#[tokio::test]
async fn others() {
    let http1 = Server::start(Behaviour::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n")).await;
    let words = said("type = \"grpc\"", http1.address).await;
    assert!(
        words.starts_with("grpc.health.v1.Health/Check: "),
        "{words}"
    );
}
