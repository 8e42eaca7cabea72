//! UDP checks.

use std::time::{Duration, Instant};

use tokio::net::UdpSocket;

use super::*;

/// Answers each datagram with `answer`, or with nothing.
async fn server(answer: Option<&'static [u8]>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1024];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            match answer {
                Some(b"echo") => drop(socket.send_to(&buffer[..length], from).await),
                Some(answer) => drop(socket.send_to(answer, from).await),
                None => {}
            }
        }
    });
    address
}

#[tokio::test]
async fn answers() {
    const SILENT: &str = "no answer from SERVER within 500ms: is the program up, and does it \
                          answer this payload?";
    for (answer, keys, words) in [
        (None, "", "up"),
        (Some(&b"anything"[..]), "", "up"),
        (None, "expect = {}", SILENT),
        (Some(b"anything"), "expect = {}", "up"),
        (Some(b""), "expect = {}", "up"),
        (
            Some(b"echo"),
            "send = \"ping\"\nexpect = { hex = \"70 69\", max_length = 4 }",
            "up",
        ),
        (
            Some(b"echo"),
            "send_hex = \"00ff10\"\nexpect = { hex = \"0XfF1X\" }",
            "up",
        ),
        (
            Some(b"echo"),
            "send = \"ping\"\nexpect = { contains = \"pong\" }",
            "SERVER: its answer of 4 bytes is not the expected one: it does not contain what \
             `contains` says",
        ),
        (
            Some(b"1"),
            "expect = { min_length = 2 }",
            "SERVER: its answer of 1 bytes is not the expected one: it is shorter than 2 bytes",
        ),
    ] {
        let address = server(answer).await;
        let snippet = format!("type = \"udp\"\n{keys}");
        let waits = answer.is_none() || words == SILENT;
        let snippet = if waits { hurried(&snippet) } else { snippet };
        assert_eq!(said(&snippet, address).await, words, "{keys}");
    }
}

#[tokio::test]
async fn a_closed_port_is_down_at_once() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let start = Instant::now();
    assert_eq!(
        said("type = \"udp\"", address).await,
        "SERVER: ICMP says that nothing listens on the port"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}
