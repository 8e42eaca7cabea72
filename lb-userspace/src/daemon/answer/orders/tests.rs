use std::net::IpAddr;
use std::path::Path;

use super::*;
use crate::config;
use crate::health::Verdict;
use crate::netlink::Route;

const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 21));

fn subject() -> Subject {
    Subject {
        service: "web".into(),
        real_server: SERVER,
    }
}

/// A server that is up.
fn control() -> Control {
    let text = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 51\n\
                addresses = [\"192.0.2.10/24\"]\n[[service]]\nname = \"web\"\n\
                address = \"192.0.2.10:80\"\ncheck = { type = \"tcp\" }\n\
                [[service.real_server]]\naddress = \"192.0.2.21\"\n";
    let config = config::parse(Path::new("lvx.toml"), text).unwrap();
    let mut control = Control::new(config, Instant::now());
    control.route(SERVER, Route::Local);
    control.verdict(verdict(Ok(())));
    control
}

fn verdict(outcome: Result<(), &str>) -> Verdict {
    Verdict {
        subject: subject(),
        outcome: outcome.map_err(str::to_owned),
        changed: true,
        weight: None,
        certificate: None,
        at: Instant::now(),
    }
}

/// What the log and the operator are told.
fn told(control: &mut Control, command: Command) -> [String; 3] {
    match carry_out(control, &subject(), command, Instant::now()) {
        Ok(Done { what, answer }) => {
            let (text, replaced) = if let Answer::Ordered(done) = answer {
                (done.text, done.replaced)
            } else if let Answer::Drained(drained) = answer {
                (format!("{:?}", drained.deadline), drained.replaced)
            } else {
                (format!("{answer:?}"), None)
            };
            [what, text, replaced.unwrap_or_default()]
        }
        Err(error) => ["error".to_owned(), error, String::new()],
    }
}

fn disable(reason: &str) -> Command {
    Command::Disable {
        reason: Some(reason.to_owned()),
    }
}

/// One after the other, on one server that is up.
#[test]
fn answers_say_what_follows_and_what_was_before() {
    let mut control = control();
    for (command, expected) in [
        (Command::Drain { deadline: None }, ["drained", "None", ""]),
        (
            disable("new kernel"),
            [
                "disabled (new kernel)",
                "gets no packets any more: its connections break",
                "drained",
            ],
        ),
        (
            Command::Weight(7),
            [
                "given weight 7",
                "has weight 7, whatever the configuration and its check say, and gets no clients: \
                 it is disabled (by hand: new kernel; its check succeeds)",
                "",
            ],
        ),
        (
            Command::Undrain,
            [
                "error",
                "real server 192.0.2.21 of service web is not being drained, but disabled: `lvx \
                 enable web 192.0.2.21` ends that",
                "",
            ],
        ),
        (
            Command::Enable,
            ["disabled no more", "gets clients", "disabled (new kernel)"],
        ),
        (
            Command::Enable,
            [
                "error",
                "real server 192.0.2.21 of service web is neither disabled nor being drained",
                "",
            ],
        ),
        (
            Command::Weight(0),
            [
                "given weight 0",
                "has weight 0, whatever the configuration and its check say, and gets no new \
                 clients: its weight is 0 by hand",
                "of weight 7",
            ],
        ),
        (
            Command::Enable,
            [
                "error",
                "real server 192.0.2.21 of service web was not drained by hand: its weight was \
                 set to 0, and `lvx weight web 192.0.2.21 --clear` ends that",
                "",
            ],
        ),
        (
            Command::Drain { deadline: Some(60) },
            ["drained, with 1m left", "Some(60)", ""],
        ),
        (
            Command::Enable,
            [
                "drained no more",
                "gets no new clients: its weight is 0 by hand",
                "drained, with 1m left",
            ],
        ),
        (
            Command::ClearWeight,
            [
                "given its own weight again",
                "has the weight of the configuration and its check again, and gets clients",
                "of weight 0",
            ],
        ),
        (
            Command::ClearWeight,
            [
                "error",
                "no weight was set by hand for real server 192.0.2.21 of service web: the \
                 configuration gives it 1",
                "",
            ],
        ),
    ] {
        let told = told(&mut control, command);
        // Time passes between two orders.
        let told = told.map(|text| text.replace("59s left", "1m left"));
        assert_eq!(told, expected);
    }
}

#[test]
fn a_server_that_is_enabled_says_what_still_ails_it() {
    let mut control = control();
    told(&mut control, disable("x"));
    control.verdict(verdict(Err("no answer")));
    let enabled = told(&mut control, Command::Enable);
    assert_eq!(enabled[1], "gets no clients: it is down (no answer)");
}

#[test]
fn reasons_are_one_short_line() {
    let mut control = control();
    for (reason, error) in [
        (" ", "the reason is empty"),
        ("a\nb", "one line"),
        ("\u{1b}[31m", "control characters"),
        (&"x".repeat(201), "201 characters; at most 200"),
    ] {
        let refused = told(&mut control, disable(reason));
        assert!(
            refused[0] == "error" && refused[1].contains(error),
            "{refused:?}"
        );
        assert!(control.orders().is_empty());
    }
    assert_eq!(told(&mut control, disable(&"ü".repeat(200)))[2], "");
}
