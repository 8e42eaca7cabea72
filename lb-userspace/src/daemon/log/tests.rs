use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config;

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 21));

fn subject() -> Subject {
    Subject {
        service: "web".into(),
        real_server: SERVER,
    }
}

fn control() -> Control {
    let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 51\n\
                addresses = [\"192.0.2.10/24\"]\n[[service]]\nname = \"web\"\n\
                address = \"192.0.2.10:80\"\ncheck = { type = \"tcp\" }\n\
                [[service.real_server]]\naddress = \"192.0.2.21\"\n";
    let config = config::parse(Path::new("lvx.toml"), text).unwrap();
    Control::new(config, Instant::now())
}

fn verdict(outcome: Result<(), &str>, changed: bool) -> Verdict {
    Verdict {
        subject: subject(),
        outcome: outcome.map_err(str::to_owned),
        changed,
        weight: None,
        certificate: None,
        at: Instant::now(),
    }
}

fn change(from: &'static str, to: &'static str, cause: &str) -> Change {
    Change {
        subject: subject(),
        transition: Transition {
            sequence: 1,
            at: SystemTime::now(),
            from,
            to,
            cause: Arc::from(cause),
            lasted: Duration::from_secs(7380),
        },
    }
}

/// Without the times in parentheses.
fn texts(verdicts: &[Verdict], changes: Vec<Change>, control: &Control) -> Vec<String> {
    let events = servers(verdicts, changes, control, Instant::now());
    let text = |event: Event| {
        let (text, _) = event
            .text
            .split_once(" (decided=")
            .unwrap_or((&event.text, ""));
        text.replace("real server 192.0.2.21 of web is ", "")
    };
    events.into_iter().map(text).collect()
}

#[test]
fn a_verdict_and_what_follows_from_it_are_one_line() {
    let control = control();
    for (verdicts, changes, expected) in [
        (
            vec![verdict(Err("connect refused"), true)],
            vec![change("up", "down", "connect refused")],
            &["down after 2h 3m up: connect refused"][..],
        ),
        (
            vec![verdict(Ok(()), true)],
            vec![change("down", "up", "its check succeeds")],
            &["up after 2h 3m down"],
        ),
        // Its MAC is not known yet.
        (
            vec![verdict(Ok(()), true)],
            vec![change("checking", "no-mac", "why")],
            &["up; it is no-mac after 2h 3m checking: why"],
        ),
        (
            vec![verdict(Ok(()), false)],
            vec![change("up", "draining", "its check makes its weight 0")],
            &[
                "up as before: its check has news (weight as configured); it is draining after 2h \
                 3m up: its check makes its weight 0",
            ],
        ),
        (
            vec![],
            vec![change("draining", "drained", "the deadline")],
            &["drained after 2h 3m draining: the deadline"],
        ),
        // The kernel refused the first one.
        (
            vec![verdict(Err("x"), true), verdict(Ok(()), true)],
            vec![change("up", "down", "x"), change("down", "up", "y")],
            &["down after 2h 3m up: x", "down: x", "up after 2h 3m down"],
        ),
        // Down and up again before the kernel was brought anywhere.
        (
            vec![verdict(Err("x"), true), verdict(Ok(()), true)],
            vec![],
            &["down: x", "up"],
        ),
        (
            vec![verdict(Ok(()), true), verdict(Err("x"), true)],
            vec![change("checking", "down", "x")],
            &["up", "down after 2h 3m checking: x"],
        ),
    ] {
        assert_eq!(texts(&verdicts, changes, &control), expected);
    }
}

#[test]
fn the_check_of_a_disabled_server_goes_on() {
    let mut control = control();
    let now = Instant::now();
    control.disable("web", SERVER, None, now).unwrap();
    let verdicts = [verdict(Err("no answer"), true)];
    assert_eq!(
        texts(&verdicts, Vec::new(), &control),
        ["down: no answer; it stays disabled by hand"]
    );
}

#[test]
fn programs_get_the_parts() {
    let changes = vec![change("up", "down", "x")];
    let events = servers(
        &[verdict(Err("x"), true)],
        changes,
        &control(),
        Instant::now(),
    );
    let fields = &events[0].fields;
    for (name, value) in [
        ("state", "down"),
        ("reason", "x"),
        ("from", "up"),
        ("to", "down"),
        ("lasted_ms", "7380000"),
    ] {
        assert!(fields.contains(&(name, value.to_owned())), "{fields:?}");
    }
}
