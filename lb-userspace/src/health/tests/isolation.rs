//! Checks that go wrong beside checks that go well.

use std::time::Instant;

use super::program::{Scratch, address};
use super::server::{Behaviour, Server};
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A service of each of these checks, with one real server each.
fn services(checks: &[(&str, String)]) -> Vec<Service> {
    let mut text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 1\n\
                    addresses = [\"192.0.2.10\"]\n"
        .to_owned();
    for (number, (name, check)) in checks.iter().enumerate() {
        text += &format!(
            "[[service]]\nname = \"{name}\"\naddress = \"192.0.2.10:{}\"\n\
             [service.check]\nrise = 1\nfall = 1\n{check}\n\
             [[service.real_server]]\naddress = \"192.0.2.21\"\n",
            1000 + number
        );
    }
    let config = crate::config::parse(Path::new("test.toml"), &text);
    config.unwrap_or_else(|errors| panic!("{errors}")).services
}

fn to(kind: &str, address: SocketAddr) -> String {
    format!(
        "type = {kind:?}\ninterval = \"100ms\"\ntimeout = \"100ms\"\nconnect_address = \"{}\"\n\
         connect_port = {}",
        address.ip(),
        address.port()
    )
}

/// Waits for the verdict on `name`; those on others pass.
async fn verdict(verdicts: &mut mpsc::Receiver<Verdict>, name: &str) -> Verdict {
    loop {
        let next = tokio::time::timeout(PATIENCE, verdicts.recv()).await;
        let next = next
            .unwrap_or_else(|_| panic!("no verdict on {name}"))
            .unwrap();
        if *next.subject.service == *name {
            return next;
        }
    }
}

/// Servers that hang, flood, drip and talk nonsense, and scripts that do not end and leave
/// children: a server's end is noticed beside them as if it were alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_others_verdicts_come_in_time() {
    const ZEROS: &[u8] = &[b'0'; 4096];
    let scratch = Scratch::new();
    let script = scratch.write(
        "hangs",
        "#!/bin/sh\ntrap '' TERM\n(while :; do :; done) &\nsetsid sleep 300 &\nwhile :; do sleep 1; done\n",
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let behaviours = [
        ("silent", Behaviour::Silent),
        (
            "flood",
            Behaviour::Repeats(b"HTTP/1.1 200 OK\r\n\r\n", ZEROS),
        ),
        (
            "headers",
            Behaviour::Repeats(b"HTTP/1.1 200 OK\r\n", b"X-Endless: header\r\n"),
        ),
        (
            "drips",
            Behaviour::Drips(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ),
        (
            "garbage",
            Behaviour::Repeats(b"\x16\x03\x01\xff", b"\0\xff\x80"),
        ),
    ];
    let mut checks = Vec::new();
    let mut servers = Vec::new();
    for (name, behaviour) in behaviours {
        let server = Server::start(behaviour).await;
        let of_http = to("http", server.address);
        checks.push((name, format!("{of_http}\nbody = {{ contains = \"x\" }}")));
        servers.push(server);
    }
    let user = std::process::Command::new("id")
        .arg("-un")
        .output()
        .unwrap();
    let user = String::from_utf8(user.stdout).unwrap();
    checks.push((
        "script",
        format!(
            "type = \"script\"\ncommand = [{:?}]\nuser = {:?}\ninterval = \"300ms\"\n\
             timeout = \"300ms\"",
            script.display().to_string(),
            user.trim()
        ),
    ));
    let good = tokio::net::TcpListener::bind(address()).await.unwrap();
    checks.push(("good", to("tcp", good.local_addr().unwrap())));
    let names: Vec<&str> = checks.iter().map(|(name, _)| *name).collect();

    let (sender, mut verdicts) = mpsc::channel(64);
    let mut running = Checks::<Verdict>::new(sender, Journal::default()).unwrap();
    running.configure(&services(&checks));
    let mut first = BTreeMap::new();
    while first.len() < names.len() {
        let next = tokio::time::timeout(PATIENCE, verdicts.recv()).await;
        let next = next.unwrap_or_else(|_| panic!("only {first:?}")).unwrap();
        first.insert(next.subject.service, next.outcome);
    }
    for (name, outcome) in &first {
        assert_eq!(
            outcome.is_ok(),
            name.as_ref() == "good",
            "{name}: {outcome:?}"
        );
    }
    let ended = Instant::now();
    drop(good);
    let down = verdict(&mut verdicts, "good").await;
    assert!(down.outcome.is_err());
    // An interval, and what a busy host may take.
    assert!(
        ended.elapsed() < Duration::from_secs(5),
        "{:?}",
        ended.elapsed()
    );
    let (count, load) = running.load();
    assert_eq!(count, names.len());
    assert!(load.most_running <= names.len() as u64);
}
