//! DNS checks: of dnsmasq.

use std::process::Command;

use tokio::net::UdpSocket;

use super::program::{Program, address, find};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn dnsmasq() {
    let Some(dnsmasq) = find("dnsmasq") else {
        return;
    };
    let to = address();
    let mut command = Command::new(dnsmasq);
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
    ]);
    command.args([
        "--bind-interfaces",
        "--pid-file=",
        "--user=",
        "--local=/example.com/",
    ]);
    command.arg("--host-record=www.example.com,192.0.2.80,2001:db8::80");
    command.arg("--txt-record=example.com,one two");
    command.arg(format!("--listen-address={}", to.ip()));
    command.arg(format!("--port={}", to.port()));
    let _dnsmasq = Program::start(&mut command, to);
    for (keys, words) in [
        (r#"name = "www.example.com""#, "up"),
        (
            r#"name = "www.example.com"
record = "A"
answer = "192.0.2.80""#,
            "up",
        ),
        (
            r#"name = "www.example.com"
record = "AAAA"
answer = "2001:db8::80"
tcp = true"#,
            "up",
        ),
        (
            r#"name = "example.com."
record = "TXT"
answer = "one two""#,
            "up",
        ),
        (
            r#"name = "www.example.com"
record = "A"
answer = "192.0.2.81""#,
            r#"DNS server SERVER: no answer is "192.0.2.81" among 192.0.2.80"#,
        ),
        (
            r#"name = "none.example.com"
record = "A""#,
            "DNS server SERVER: it answers NXDOMAIN, expected NOERROR",
        ),
        (
            r#"name = "none.example.com"
record = "A"
rcode = "NXDOMAIN""#,
            "up",
        ),
        (
            "",
            "DNS server SERVER: it answers REFUSED, expected NOERROR",
        ),
    ] {
        let snippet = format!("type = \"dns\"\n{keys}");
        assert_eq!(said(&snippet, to).await, words, "{keys}");
    }
}

#[tokio::test]
async fn others() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = socket.local_addr().unwrap();
    let silent = said(&hurried("type = \"dns\""), to).await;
    assert!(
        silent.starts_with("no answer from SERVER within 500ms"),
        "{silent}"
    );
    let server = tokio::spawn(async move {
        let mut buffer = [0; 512];
        // That of the probe before is still there.
        for _ in 0..2 {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let _ = socket.send_to(&buffer[..length.min(5)], from).await;
        }
    });
    let garbled = said("type = \"dns\"", to).await;
    assert!(
        garbled.starts_with("DNS server SERVER: its answer is not DNS"),
        "{garbled}"
    );
    server.await.unwrap();
    assert_eq!(
        said("type = \"dns\"", to).await,
        "DNS server SERVER: ICMP says that nothing listens on the port"
    );
}
