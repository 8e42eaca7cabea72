//! Where probes come from.

use tokio::net::TcpListener;

use super::server::{Behaviour, Server};
use super::*;

#[tokio::test]
async fn a_source_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let snippet = "type = \"tcp\"\nsource = \"127.9.9.9\"";
    let (words, accepted) = tokio::join!(said(snippet, to), listener.accept());
    assert_eq!(words, "up");
    assert_eq!(accepted.unwrap().1.ip().to_string(), "127.9.9.9");
    for (snippet, words) in [
        (
            "type = \"tcp\"\nsource = \"198.51.100.1\"",
            "cannot probe SERVER: `source` 198.51.100.1 is not an address of this host",
        ),
        (
            "type = \"udp\"\nsource = \"198.51.100.1\"",
            "cannot probe SERVER: `source` 198.51.100.1 is not an address of this host",
        ),
        (
            "type = \"tcp\"\ninterface = \"nosuch0\"",
            "cannot probe SERVER: `interface` nosuch0 does not exist",
        ),
    ] {
        assert_eq!(said(snippet, to).await, words);
    }
}

#[tokio::test]
async fn an_interface_and_a_mark() {
    let server = Server::start(Behaviour::Closes).await;
    let marked = said("type = \"tcp\"\nmark = 7", server.address).await;
    if marked.contains("CAP_NET_ADMIN") {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "skipped with CI=true"
        );
        eprintln!("skipped: marks need root");
        return;
    }
    assert_eq!(marked, "up");
    assert_eq!(
        said("type = \"tcp\"\ninterface = \"lo\"", server.address).await,
        "up"
    );
}
