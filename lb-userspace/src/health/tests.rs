//! Behaviour of a server → verdict → words, over real sockets.

use std::net::SocketAddr;
use std::path::Path;

use super::outcome::{Good, Outcome};
use super::*;

mod broken;
mod certificates;
mod datagrams;
mod dns;
mod grpc;
mod http;
mod isolation;
mod local;
mod master;
mod origin;
mod program;
mod redis;
mod server;
mod several;
mod smtp;
mod tls;

/// The check that a file with it means. Its servers are elsewhere, so that it needs a
/// `connect_address`.
pub(super) fn check(snippet: &str) -> Arc<Check> {
    // The host that runs the tests may be busy.
    let timing = if snippet.contains("timeout") {
        ""
    } else {
        "interval = \"20s\"\ntimeout = \"20s\"\n"
    };
    let text = format!(
        "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
         addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"web\"\n\
         address = \"192.0.2.10:80\"\n\
         [service.check]\n{timing}{snippet}\n\
         [[service.real_server]]\naddress = \"192.0.2.21\"\n"
    );
    let config = crate::config::parse(Path::new("test.toml"), &text);
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    config.services[0].check.clone().unwrap()
}

/// A check that is going to wait for its whole timeout.
fn hurried(snippet: &str) -> String {
    format!("{snippet}\ntimeout = \"500ms\"")
}

/// One probe of a server of this host.
async fn ask(snippet: &str, to: SocketAddr) -> Outcome {
    let to = format!(
        "connect_address = \"{}\"\nconnect_port = {}",
        to.ip(),
        to.port()
    );
    let check = check(&format!("{snippet}\n{to}"));
    let subject = Subject {
        service: "web".into(),
        real_server: "192.0.2.21".parse().unwrap(),
    };
    probe::probe(&subject, &check, &Tools::default()).await
}

/// What the operator is told, with `SERVER` for its address.
async fn said(snippet: &str, to: SocketAddr) -> String {
    match ask(snippet, to).await {
        Ok(Good { weight: None, .. }) => "up".to_owned(),
        Ok(Good {
            weight: Some(weight),
            ..
        }) => format!("up, weight {weight}"),
        Err(failure) => failure.to_string().replace(&to.to_string(), "SERVER"),
    }
}

#[test]
fn a_check_is_of_each_server() {
    let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"all\"\n\
                address = \"192.0.2.10:0\"\ncheck = { type = \"tcp\", port = 22 }\n\
                [[service.real_server]]\naddress = \"192.0.2.21\"\n";
    let config = crate::config::parse(Path::new("test.toml"), text).unwrap();
    let wanted = wanted(&config.services);
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted.values().next().unwrap().check.probe.port, 22);
}

#[test]
fn a_server_has_its_own_check_or_its_services() {
    let head = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                addresses = [\"192.0.2.10\"]\n[[service]]\nname = \"all\"\n\
                address = \"192.0.2.10:80\"\n";
    let common = "check = { type = \"tcp\", when = \"master\" }\n";
    let servers = "[[service.real_server]]\naddress = \"192.0.2.21\"\n\
                   [[service.real_server]]\naddress = \"192.0.2.22\"\n\
                   check = { type = \"http\", port = 8080 }\n";
    let kinds = |text: &str| {
        let config = crate::config::parse(Path::new("test.toml"), text).unwrap();
        let wanted = wanted(&config.services);
        let kind = |(subject, order): (Subject, Order)| {
            let check = (order.check.probe.kind.name(), order.check.probe.port);
            (subject.real_server.to_string(), check, order.instance)
        };
        wanted.into_iter().map(kind).collect::<Vec<_>>()
    };
    let own = || ("192.0.2.22".to_owned(), ("http", 8080), None);
    let master = Some("VI".to_owned());
    assert_eq!(
        kinds(&format!("{head}{common}{servers}")),
        [("192.0.2.21".to_owned(), ("tcp", 80), master), own()]
    );
    assert_eq!(kinds(&format!("{head}{servers}")), [own()]);
}

/// Ten thousand of them are a few megabytes.
#[tokio::test]
async fn a_check_that_waits_needs_little_memory() {
    let (verdicts, _inbox) = mpsc::channel::<Verdict>(1);
    let subject = Subject {
        service: "web".into(),
        real_server: "192.0.2.21".parse().unwrap(),
    };
    let tools = Arc::new(Tools::default());
    let now = tokio::time::Instant::now();
    let own = (subject, check("type = \"tcp\""), Initial::Check);
    let watch = Watch::new(own, tools, verdicts).run(Cues::default(), now);
    assert!(size_of_val(&watch) <= 768, "{} bytes", size_of_val(&watch));
}
