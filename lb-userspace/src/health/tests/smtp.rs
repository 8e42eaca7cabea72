//! SMTP checks: of servers that say line after line.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::certificates::{Authority, Certified, shown};
use super::server::{Behaviour, Server};
use super::*;

#[tokio::test]
async fn dialogues() {
    const EHLO: &str = "250-mx.example.com\r\n250 SIZE\r\n";
    for (lines, keys, words) in [
        (
            &["220 mx.example.com ESMTP\r\n", EHLO, "221 bye\r\n"][..],
            "",
            "up",
        ),
        (
            &["220-mx\r\n220 ready\r\n", EHLO, "221 bye\r\n"],
            "helo = \"lb1.example.com\"",
            "up",
        ),
        (
            &["554 go away\r\n"],
            "",
            "SMTP server SERVER: instead of its greeting: 554 go away",
        ),
        (
            &["220 mx\r\n", "421 too busy\r\n"],
            "",
            "SMTP server SERVER: instead of an answer to EHLO: 421 too busy",
        ),
        (
            &["220 mx\r\n", EHLO],
            "starttls = true",
            "SMTP server SERVER: it does not offer STARTTLS: enable TLS there, or remove \
             `starttls`",
        ),
        (
            &[
                "220 mx\r\n",
                "250-mx\r\n250 STARTTLS\r\n",
                "454 not now\r\n",
            ],
            "starttls = true",
            "SMTP server SERVER: instead of an answer to STARTTLS: 454 not now",
        ),
        (
            &["SSH-2.0-OpenSSH\r\n"],
            "",
            "SMTP server SERVER: it does not speak SMTP: \"SSH-2.0-OpenSSH\"",
        ),
    ] {
        let server = Server::start(Behaviour::Dialogue(lines)).await;
        let snippet = format!("type = \"smtp\"\n{keys}");
        assert_eq!(said(&snippet, server.address).await, words, "{lines:?}");
    }
}

async fn secure_server(certified: &Certified) -> SocketAddr {
    let chain = CertificateDer::from_pem_file(&certified.certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(&certified.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth();
    let config = config.with_single_cert(vec![chain], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut plain = BufStream::new(stream);
                let mut line = String::new();
                for answer in ["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"] {
                    plain.write_all(answer.as_bytes()).await?;
                    plain.flush().await?;
                    if !answer.contains("go") {
                        plain.read_line(&mut line).await?;
                    }
                }
                let secure = acceptor.accept(plain.into_inner()).await?;
                let mut secure = BufStream::new(secure);
                for answer in ["250 mx\r\n", "221 bye\r\n"] {
                    secure.read_line(&mut line).await?;
                    secure.write_all(answer.as_bytes()).await?;
                    secure.flush().await?;
                }
                secure.shutdown().await
            });
        }
    });
    address
}

#[tokio::test]
async fn starttls() {
    let Some(authority) = Authority::new() else {
        return;
    };
    let certified = authority.certify("mx", "mx.example.com", 20);
    let to = secure_server(&certified).await;
    let ca = authority.ca();
    let snippet = format!("type = \"smtp\"\nstarttls = true\nca = {:?}", shown(&ca));
    let named = format!("{snippet}\nsni = \"mx.example.com\"");
    assert_eq!(said(&named, to).await, "up");
    assert!(ask(&named, to).await.unwrap().certificate.is_some());
    assert_eq!(
        said(&snippet, to).await,
        "TLS with SERVER: the certificate is for mx.example.com, not for 192.0.2.21: set `sni` to \
         a name it has"
    );
}
