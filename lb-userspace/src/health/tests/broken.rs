//! Servers that are broken in ways of TCP: what each check over it says.

use std::time::{Duration, Instant};

use super::server::{Behaviour, Server, nobody};
use super::*;

#[tokio::test]
async fn a_closed_port() {
    for kind in ["tcp", "http", "https", "smtp", "redis", "grpc"] {
        assert_eq!(
            said(&format!("type = {kind:?}"), nobody().await).await,
            "connect to SERVER: refused: nothing listens on the port",
            "{kind}"
        );
    }
}

#[tokio::test]
async fn tcp() {
    for behaviour in [
        Behaviour::Silent,
        Behaviour::Closes,
        Behaviour::Repeats(b"SSH-2.0\r\n", b"x"),
        Behaviour::Drips(b"slowly"),
    ] {
        let server = Server::start(behaviour).await;
        assert_eq!(
            said("type = \"tcp\"", server.address).await,
            "up",
            "{behaviour:?}"
        );
        let reset = "type = \"tcp\"\nreset = true";
        assert_eq!(said(reset, server.address).await, "up", "{behaviour:?}");
    }
}

/// What each protocol says of servers that take connections and then fail.
#[tokio::test]
async fn a_port_that_takes_connections_and_no_more() {
    const HANGS: &str = "no answer from SERVER within 500ms: the connection opened, but no answer \
                         came: does the program hang, or speak another protocol?";
    const NO_TLS: &str = "no answer from SERVER within 500ms: the connection opened, but not TLS \
                          in it: does the server speak TLS on this port?";
    let silent = Server::start(Behaviour::Silent).await;
    for (snippet, words) in [
        ("type = \"http\"", HANGS),
        ("type = \"http\"\nversion = \"2\"", HANGS),
        ("type = \"https\"\nverify = false", NO_TLS),
        ("type = \"grpc\"", HANGS),
        (
            "type = \"smtp\"",
            "no answer from SERVER within 500ms: the connection opened, but its greeting did not \
             come",
        ),
        (
            "type = \"redis\"",
            "no answer from SERVER within 500ms: the connection opened, but an answer to PING did \
             not come",
        ),
        (
            "type = \"dns\"\ntcp = true",
            "no answer from SERVER within 500ms: the connection opened, but an answer to the \
             question did not come",
        ),
    ] {
        let start = Instant::now();
        assert_eq!(
            said(&hurried(snippet), silent.address).await,
            words,
            "{snippet}"
        );
        assert!(start.elapsed() < Duration::from_secs(5), "{snippet}");
    }
}

#[tokio::test]
async fn a_server_that_resets_or_closes() {
    let resets = Server::start(Behaviour::Resets).await;
    let closes = Server::start(Behaviour::Closes).await;
    for kind in ["http", "https", "redis"] {
        let snippet = format!("type = {kind:?}");
        let words = said(&snippet, resets.address).await;
        assert!(
            words.starts_with("SERVER reset the connection: "),
            "{kind}: {words}"
        );
        let words = said(&snippet, closes.address).await;
        assert!(
            words.starts_with("SERVER closed the connection: "),
            "{kind}: {words}"
        );
    }
}

/// However slowly or how much they send, the timeout and the bounds hold.
#[tokio::test]
async fn drips_and_floods_are_cut() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n";
    const ZEROS: &[u8] = &[b'0'; 4096];
    for (snippet, behaviour, words) in [
        (
            "type = \"http\"",
            Behaviour::Drips(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            "no answer from SERVER within 500ms: the connection opened, but no answer came: does \
             the program hang, or speak another protocol?",
        ),
        (
            "type = \"http\"",
            Behaviour::Begins(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"),
            "no answer from SERVER within 500ms: the answer began, but did not end",
        ),
        (
            "type = \"http\"",
            Behaviour::Repeats(HEAD, b"X-Endless: header\r\n"),
            "GET /: no head of HTTP with at most 64 KiB and 128 headers came: ",
        ),
        (
            "type = \"http\"\nbody = { contains = \"x\" }",
            Behaviour::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", ZEROS),
            "GET /: the body does not contain \"x\" in its first 1 MiB",
        ),
        (
            "type = \"smtp\"",
            Behaviour::Repeats(b"220-", b"more\r\n220-"),
            "SERVER sent more than 65536 bytes: the connection opened, but its greeting did not \
             come",
        ),
        (
            "type = \"redis\"",
            Behaviour::Repeats(b"$1000000\r\n", ZEROS),
            "SERVER sent more than 65536 bytes: the connection opened, but an answer to PING did \
             not come",
        ),
        (
            "type = \"smtp\"",
            Behaviour::Drips(b"220 mx.example.com\r\n"),
            "no answer from SERVER within 500ms: the connection opened, but its greeting did not \
             come",
        ),
    ] {
        let server = Server::start(behaviour).await;
        let start = Instant::now();
        let said = said(&hurried(snippet), server.address).await;
        assert!(said.starts_with(words), "{snippet} {behaviour:?}: {said}");
        assert!(start.elapsed() < Duration::from_secs(5), "{snippet}");
    }
}

/// A polite end is an end to the server, a reset an error.
#[tokio::test]
async fn the_server_sees_how_a_tcp_check_ends() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (snippet, polite) in [
        ("type = \"tcp\"", true),
        ("type = \"tcp\"\nreset = true", false),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // A banner that nobody reads would make a reset of a plain close.
            let written = stream.write_all(b"SSH-2.0-server\r\n").await;
            let read = stream.read(&mut [0; 16]).await;
            (written.is_ok(), read)
        };
        let (words, (written, read)) = tokio::join!(said(snippet, address), server);
        assert_eq!(words, "up");
        if polite {
            assert!(written && read.as_ref().is_ok_and(|n| *n == 0), "{read:?}");
        } else {
            // Whichever of the two meets it first.
            let reset = read.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
            assert!(reset || !written);
        }
    }
}
