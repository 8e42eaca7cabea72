//! Checks of several: `all`, `any`.

use std::time::{Duration, Instant};

use super::server::{Behaviour, Server, nobody};
use super::*;

/// `UP`, `DOWN` and `HANGS` stand for tcp and http checks of such servers.
async fn told(kind: &str, parts: &str, hurry: bool) -> (String, Duration) {
    let up = Server::start(Behaviour::Closes).await;
    let hangs = Server::start(Behaviour::Silent).await;
    let down = nobody().await;
    let part =
        |kind, to: SocketAddr| format!("{{ type = {kind:?}, connect_port = {} }}", to.port());
    let parts = parts
        .replace("UP", &part("tcp", up.address))
        .replace("DOWN", &part("tcp", down))
        .replace("HANGS", &part("http", hangs.address));
    let snippet = format!("type = {kind:?}\nconnect_address = \"127.0.0.1\"\nchecks = [{parts}]");
    let check = check(&if hurry { hurried(&snippet) } else { snippet });
    let subject = Subject {
        service: "web".into(),
        real_server: "192.0.2.21".parse().unwrap(),
    };
    let start = Instant::now();
    let outcome = probe::probe(&subject, &check, &Tools::default()).await;
    let words = outcome.map_or_else(|failure| failure.to_string(), |_| "up".to_owned());
    let words = words.replace(&down.to_string(), "DOWN");
    let words = words.replace(&hangs.address.to_string(), "HANGS");
    (words, start.elapsed())
}

#[tokio::test]
async fn several() {
    const REFUSED: &str = "tcp check: connect to DOWN: refused: nothing listens on the port";
    const HANG: &str = "http check: no answer from HANGS within 500ms: the connection opened, but \
                        no answer came: does the program hang, or speak another protocol?";
    for (kind, parts, words) in [
        ("all", "UP", "up".to_owned()),
        ("all", "UP, UP", "up".to_owned()),
        ("all", "UP, DOWN", REFUSED.to_owned()),
        ("all", "HANGS, DOWN", REFUSED.to_owned()),
        ("all", "UP, HANGS", HANG.to_owned()),
        ("any", "DOWN, UP", "up".to_owned()),
        ("any", "HANGS, UP", "up".to_owned()),
        (
            "any",
            "HANGS, DOWN",
            format!("all of its checks fail: {HANG}; {REFUSED}"),
        ),
        (
            "any",
            "{ type = \"all\", checks = [UP, DOWN] }, UP",
            "up".to_owned(),
        ),
    ] {
        let waits = words.contains("HANGS");
        let (said, took) = told(kind, parts, waits).await;
        assert_eq!(said, words, "{kind} {parts}");
        assert!(
            waits || took < Duration::from_secs(10),
            "{kind} {parts}: {took:?}"
        );
    }
}

#[tokio::test]
async fn the_first_weight_counts() {
    let user = std::process::Command::new("id").arg("-un").output();
    let user = String::from_utf8(user.unwrap().stdout).unwrap();
    let script = |code| {
        format!(
            "{{ type = \"script\", user = {:?}, command = [\"/bin/sh\", \"-c\", \"exit {code}\"] }}",
            user.trim()
        )
    };
    let checks = [script(0), script(7), script(9)].join(", ");
    let snippet = format!("type = \"all\"\nchecks = [{checks}]");
    assert_eq!(
        said(&snippet, ([127, 0, 0, 1], 1).into()).await,
        "up, weight 5"
    );
}
