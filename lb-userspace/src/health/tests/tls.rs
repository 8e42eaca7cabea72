//! HTTPS checks of nginx with certificates of an own authority.

use std::time::{Duration, SystemTime};

use super::certificates::{Authority, Certified, shown};
use super::program::{Program, address, find};
use super::server::{Behaviour, Server};
use super::*;

/// nginx with a server for each certificate.
struct Nginx {
    good: SocketAddr,
    expired: SocketAddr,
    mutual: SocketAddr,
    http2: SocketAddr,
    old: SocketAddr,
    _program: Program,
}

fn nginx(authority: &Authority) -> Option<Nginx> {
    let program = find("nginx")?;
    let scratch = &authority.scratch;
    let directory = scratch.path().display();
    let good = authority.certify("good", "www.example.com", 10);
    let expired = authority.certify_in_2020("expired", "www.example.com");
    let server = |address: SocketAddr, certified: &Certified, more: &str| {
        format!(
            "server {{ listen {address} ssl{}; ssl_certificate {}; ssl_certificate_key {}; {more} \
             location / {{ return 200 fine; }} }}\n",
            if more == "http2" { " http2" } else { "" },
            shown(&certified.certificate),
            shown(&certified.key),
        )
        .replace("; http2 ", "; ")
    };
    let [a, b, c, d, e] = std::array::from_fn(|_| address());
    let mutual = format!(
        "ssl_client_certificate {}; ssl_verify_client on;",
        shown(&authority.ca())
    );
    let servers = [
        server(a, &good, ""),
        server(b, &expired, ""),
        server(c, &good, &mutual),
        server(d, &good, "http2"),
        server(e, &good, "ssl_protocols TLSv1.2;"),
    ]
    .concat();
    let file = scratch.write(
        "nginx.conf",
        &format!(
            "daemon off; master_process off; pid {directory}/pid; error_log {directory}/error;\n\
             events {{}}\nhttp {{ access_log off; client_body_temp_path {directory}; \
             proxy_temp_path {directory}; fastcgi_temp_path {directory}; \
             uwsgi_temp_path {directory}; scgi_temp_path {directory};\n{servers} }}\n"
        ),
    );
    let mut command = std::process::Command::new(program);
    command.arg("-p").arg(scratch.path()).arg("-c").arg(file);
    command.arg("-e").arg(scratch.path().join("start"));
    Some(Nginx {
        good: a,
        expired: b,
        mutual: c,
        http2: d,
        old: e,
        _program: Program::start(&mut command, a),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_over_tls() {
    let Some(authority) = Authority::new() else {
        return;
    };
    let Some(nginx) = nginx(&authority) else {
        return;
    };
    let ca = authority.ca();
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_923_200);
    let days = since.elapsed().unwrap().as_secs() / (24 * 60 * 60);
    let expired = format!("TLS with SERVER: the certificate expired {days} days ago: renew it");
    let ours = authority.certify("ours", "lb1.example.com", 10);
    let (certificate, key) = (shown(&ours.certificate), shown(&ours.key));
    let trusted = format!("ca = {:?}\nhost = \"www.example.com\"", shown(&ca));
    let identity = format!("{trusted}\ncert = {certificate:?}\nkey = {key:?}");
    let other = format!("{trusted}\nsni = \"mail.example.com\"");
    let missing = "ca = \"/nowhere/ca.pem\"".to_owned();
    let no_ca = format!("ca = {key:?}");
    let http2 = format!("{trusted}\nversion = \"2\"");
    let by_sni = format!("ca = {:?}\nsni = \"www.example.com\"", shown(&ca));
    for (to, keys, words) in [
        (nginx.good, trusted.as_str(), "up"),
        (nginx.old, &trusted, "up"),
        (nginx.good, &by_sni, "up"),
        (nginx.good, "verify = false", "up"),
        (nginx.http2, &http2, "up"),
        (
            nginx.good,
            &http2,
            "TLS with SERVER: the server does not offer HTTP/2: write `version = \"1.1\"`, or \
             enable it there",
        ),
        (
            nginx.good,
            "host = \"www.example.com\"",
            "TLS with SERVER: nobody whom lvx trusts has signed the certificate: name the \
             authority's file in `ca`",
        ),
        (
            nginx.good,
            &other,
            "TLS with SERVER: the certificate is for www.example.com, not for mail.example.com: \
             set `sni` to a name it has",
        ),
        (
            nginx.good,
            &format!("ca = {:?}", shown(&ca)),
            "TLS with SERVER: the certificate is for www.example.com, not for 192.0.2.21: set \
             `sni` to a name it has",
        ),
        (nginx.expired, &trusted, &expired),
        (nginx.expired, "verify = false", "up"),
        (nginx.mutual, &identity, "up"),
        (
            nginx.mutual,
            &trusted,
            "GET /: status 400 Bad Request, expected 200-299",
        ),
        (
            nginx.good,
            &missing,
            "TLS with SERVER: /nowhere/ca.pem: I/O error: No such file or directory (os error 2)",
        ),
        (
            nginx.good,
            &no_ca,
            &format!("TLS with SERVER: {key}: there is no certificate in it"),
        ),
    ] {
        let snippet = format!("type = \"https\"\n{keys}");
        assert_eq!(said(&snippet, to).await, words, "{keys}");
    }
    let outcome = ask(&format!("type = \"https\"\n{trusted}"), nginx.good).await;
    let seen = outcome.unwrap().certificate.unwrap();
    let left = seen.left(SystemTime::now()).unwrap();
    let ten_days = Duration::from_secs(10 * 24 * 60 * 60);
    assert!(
        left < ten_days && left > ten_days - Duration::from_secs(3600),
        "{left:?}"
    );
    let told = seen.told(SystemTime::now()).unwrap();
    assert_eq!(told, "its certificate expires in 9 days: renew it");
    let quiet = format!("type = \"https\"\n{trusted}\nexpiry_warning = \"9d\"");
    let seen = ask(&quiet, nginx.good).await.unwrap().certificate.unwrap();
    assert_eq!(seen.told(SystemTime::now()), None);
}

#[tokio::test]
async fn what_is_not_tls() {
    for (answer, words) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            "TLS with SERVER: the server does not speak TLS on this port: what came is something \
             else",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x28",
            "TLS with SERVER: the server ended it: HandshakeFailure",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x70",
            "TLS with SERVER: the server knows no host of this name: set `sni`",
        ),
        (
            b"\x16\x03",
            "SERVER closed the connection: the connection opened, but not TLS in it: does the \
             server speak TLS on this port?",
        ),
    ] {
        let server = Server::start(Behaviour::Says(answer)).await;
        assert_eq!(
            said("type = \"https\"\nverify = false", server.address).await,
            words
        );
    }
}

#[test]
fn what_is_not_verified_is_said() {
    let warnings = check("type = \"https\"\nverify = false").warnings();
    assert_eq!(
        warnings,
        [
            "its https check does not verify certificates (`verify = false`): whoever answers in a \
          server's place passes for it"
        ]
    );
    assert!(check("type = \"https\"").warnings().is_empty());
    let inner = "type = \"any\"\nchecks = [{ type = \"tcp\" }, { type = \"grpc\", tls = true, \
                 verify = false }]";
    assert_eq!(check(inner).warnings().len(), 1);
}
