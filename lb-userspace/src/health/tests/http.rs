//! HTTP checks: of servers that say one thing, and of nginx.

use super::program::{Program, Scratch, address, find};
use super::server::{Behaviour, Server};
use super::*;

#[tokio::test]
async fn answers() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
    // Of "fine".
    const DIGEST: &str = "5bb0ea79a7c0bb4b5dd8ea03a2d4f3dfc9b4ea1eb2d2f46b84f3a3a5c8fe5d5c";
    let wrong_digest = format!("body = {{ sha256 = \"{DIGEST}\" }}");
    let right_digest = format!("body = {{ sha256 = \"{}\" }}", sha256(b"fine"));
    let digest_words = format!(
        "GET /: the body's SHA-256 is {}, not the expected one",
        sha256(b"fine")
    );
    for (answer, keys, words) in [
        (OK, "", "up"),
        (OK, "body = { contains = \"in\" }", "up"),
        (OK, "body = { regex = '^f.ne$' }", "up"),
        (OK, right_digest.as_str(), "up"),
        (OK, wrong_digest.as_str(), digest_words.as_str()),
        (
            OK,
            "path = \"/health?x=1\"\nbody = { contains = \"fein\" }",
            "GET /health?x=1: the body does not contain \"fein\"",
        ),
        (
            OK,
            "body = { regex = '^in' }",
            "GET /: the body does not match \"^in\"",
        ),
        (OK, "status = 204", "GET /: status 200 OK, expected 204"),
        (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "status = [200, \"300-399\"]",
            "GET /: status 503 Service Unavailable, expected 200, 300-399",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            "",
            "GET /: status 302 Found, expected 200-299: redirects are not followed",
        ),
        (
            b"HTTP/1.0 200 OK\r\n\r\nfine",
            "body = { contains = \"fine\" }",
            "up",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine",
            "",
            "SERVER closed the connection: the answer began, but did not end",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\n", "method = \"HEAD\"", "up"),
    ] {
        let server = Server::start(Behaviour::Says(answer)).await;
        let snippet = format!("type = \"http\"\n{keys}");
        assert_eq!(said(&snippet, server.address).await, words, "{keys}");
    }
    let ssh = Server::start(Behaviour::Says(b"SSH-2.0-server\r\n")).await;
    let words = said("type = \"http\"", ssh.address).await;
    assert!(words.starts_with("GET /: no head of HTTP"), "{words}");
    let words = said("type = \"http\"\nversion = \"2\"", ssh.address).await;
    assert!(words != "up", "{words}");
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What the server hears.
#[tokio::test]
async fn requests() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (keys, expected) in [
        (
            "",
            "GET / HTTP/1.1\r\nhost: 192.0.2.21\r\nconnection: close\r\nuser-agent: lvx\r\n\r\n",
        ),
        (
            "port = 8080\npath = \"/a?b\"\nmethod = \"POST\"\nheaders = { User-Agent = \"x\" }",
            "POST /a?b HTTP/1.1\r\nhost: 192.0.2.21:8080\r\nconnection: close\r\n\
             content-length: 0\r\nuser-agent: x\r\n\r\n",
        ),
        (
            "host = \"www.example.com\"\nheaders = { X-Probe = \"lvx\" }\nmethod = \"OPTIONS\"",
            "OPTIONS / HTTP/1.1\r\nhost: www.example.com\r\nconnection: close\r\n\
             user-agent: lvx\r\nx-probe: lvx\r\n\r\n",
        ),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut received = Vec::new();
            while !received.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
            }
            let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            String::from_utf8(received).unwrap()
        };
        let snippet = format!("type = \"http\"\n{keys}");
        let (words, received) = tokio::join!(said(&snippet, address), server);
        assert_eq!(words, "up");
        assert_eq!(received, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx() {
    let Some(nginx) = find("nginx") else { return };
    let (scratch, to, h2) = (Scratch::new(), address(), address());
    let directory = scratch.path().display();
    let file = scratch.write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid {directory}/pid; error_log {directory}/error \
             info;\nevents {{}}\nhttp {{ access_log {directory}/access;\n\
             client_body_temp_path {directory}; proxy_temp_path {directory}; \
             fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; \
             scgi_temp_path {directory};\n\
             server {{ listen {to}; listen {h2} http2; location / {{ return 200 fine; }} \
             location /moved {{ return 301 /; }} location /bad {{ return 500; }} }} }}\n"
        ),
    );
    let mut command = std::process::Command::new(nginx);
    command.arg("-p").arg(scratch.path()).arg("-c").arg(file);
    command.arg("-e").arg(scratch.path().join("start"));
    let _nginx = Program::start(&mut command, to);
    let fine = "body = { contains = \"fine\" }";
    for (to, keys, words) in [
        (to, fine, "up"),
        (h2, &format!("version = \"2\"\n{fine}"), "up"),
        (
            to,
            "urls = [\"/\", { path = \"/moved\", status = 301 }]",
            "up",
        ),
        (
            h2,
            "version = \"2\"\nurls = [\"/\", \"/bad\"]",
            "GET /bad: status 500 Internal Server Error, expected 200-299",
        ),
        (to, "method = \"HEAD\"", "up"),
    ] {
        let snippet = format!("type = \"http\"\n{keys}");
        assert_eq!(said(&snippet, to).await, words, "{keys}");
    }
    assert_eq!(said("type = \"tcp\"", to).await, "up");
    let log = std::fs::read_to_string(scratch.path().join("error")).unwrap();
    assert!(!log.contains("reset by peer"), "{log}");
}
