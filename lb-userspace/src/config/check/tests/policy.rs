//! What follows from verdicts.

use std::time::Duration;

use super::values::read;
use super::*;
use crate::config::*;

const CHECK: &str = "check = { type = \"tcp\" }\n";
const SERVERS: &str = "[[service.real_server]]\naddress = \"192.0.2.21\"\n\
                       [[service.real_server]]\naddress = \"192.0.2.22\"\n\
                       [[service.real_server]]\naddress = \"192.0.2.23\"\n";

/// Line 9 is the snippet's first.
fn text(snippet: &str) -> String {
    format!("{INSTANCE}{SERVICE}{snippet}\n{CHECK}{SERVERS}")
}

fn service(snippet: &str) -> Service {
    read(&text(snippet)).services.remove(0)
}

#[test]
fn every_key_says_what_it_means() {
    let plain = service("");
    assert_eq!(plain.policy, Policy::default());
    assert_eq!(plain.real_servers[0].manner, Manner::default());
    let service = service(
        "initial = \"down\"\non_failure = \"quiesce\"\nslow_start = \"30s\"\n\
         flap_damping = { changes = 3, hold = \"5s\" }\nmin_healthy = \"50%\"\nhysteresis = 1\n\
         quorum_up = [\"/bin/up\", \"a\"]\n\
         quorum_down = { command = [\"/bin/down\"], user = \"root\", timeout = \"1s\" }\n\
         fallback = \"192.0.2.99\"\npanic_threshold = \"30%\"\nmax_down_at_once = 2",
    );
    let script = |program: &str, arguments: &[&str], user: &str, seconds| Script {
        program: program.into(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        user: user.to_owned(),
        timeout: Duration::from_secs(seconds),
    };
    let expected = Policy {
        quorum: Some(Quorum {
            min_healthy: Share::Percent(50),
            hysteresis: 1,
            up: Some(script("/bin/up", &["a"], "nobody", 10)),
            down: Some(script("/bin/down", &[], "root", 1)),
        }),
        fallback: Some("192.0.2.99".parse().unwrap()),
        panic_threshold: Some(30),
        max_down_at_once: Some(Share::Count(2)),
        flap_damping: Some(Damping {
            changes: 3,
            within: Duration::from_secs(60),
            hold: Duration::from_secs(5),
        }),
    };
    assert_eq!(service.policy, expected);
    let quorum = service.policy.quorum.unwrap();
    assert_eq!(quorum.needed(3), (2, 3));
    let manner = Manner {
        initial: Initial::Down,
        on_failure: OnFailure::Quiesce,
        slow_start: Some(Duration::from_secs(30)),
    };
    assert!(service.real_servers.iter().all(|one| one.manner == manner));
}

#[test]
fn a_real_server_may_have_its_own_manner() {
    let text = text("initial = \"down\"\nslow_start = \"30s\"")
        + "initial = \"up\"\non_failure = \"quiesce\"\n";
    let service = read(&text).services.remove(0);
    let manner = |index: usize| service.real_servers[index].manner;
    assert_eq!(manner(0).initial, Initial::Down);
    assert_eq!(manner(0).on_failure, OnFailure::Remove);
    assert_eq!(manner(2).initial, Initial::Up);
    assert_eq!(manner(2).on_failure, OnFailure::Quiesce);
    assert_eq!(manner(2).slow_start, Some(Duration::from_secs(30)));
}

#[test]
fn checks_run_always_or_for_the_master() {
    let when = |words: &str| {
        let text = text("").replace("\"tcp\"", &format!("\"tcp\"{words}"));
        read(&text).services[0].check.as_ref().unwrap().when
    };
    assert_eq!(when(""), When::Always);
    assert_eq!(when(", when = \"always\""), When::Always);
    assert_eq!(when(", when = \"master\""), When::Master);
}

#[test]
fn an_instance_follows_no_service_that_only_its_master_checks() {
    let text = text("").replace("\"tcp\"", "\"tcp\", when = \"master\"");
    let tracked = text.replacen(
        "[[service]]",
        "track = { service = \"web\" }\n[[service]]",
        1,
    );
    let expected = "6:21 service \"web\" is checked by the MASTER alone (`when = \"master\"`): on a \
                    backup nothing would change any more | let the check run always, or do not \
                    track the service";
    assert_eq!(said(&tracked), expected);
}

const WRONG: &[Row] = &[
    (
        "initial = \"alpha\"\non_failure = \"drop\"",
        "9:11 `initial` must be \"up\", \"down\" or \"check\", not \"alpha\"
10:14 `on_failure` must be \"remove\" or \"quiesce\", not \"drop\"",
    ),
    (
        "slow_start = 30",
        "9:14 `slow_start` has no unit | write it as a string with a unit, like \"500ms\" or \"2s\"",
    ),
    (
        "slow_start = \"2h\"\nscheduler = \"wrr\"",
        "9:14 `slow_start` must be from 1s to 1h, not 2h",
    ),
    (
        "slow_start = \"1m\"\nscheduler = \"rr\"",
        "9:14 `slow_start` does nothing with scheduler \"rr\" | it knows no weights: write `scheduler = \"wrr\"`",
    ),
    (
        "flap_damping = { changes = 1, hold = \"2d\", old = 1 }",
        "9:28 `changes` must be from 2 to 1000, not 1
9:38 `hold` must be from 1s to 1d, not 2d
9:44 unknown key `old` in `flap_damping` | did you mean `hold`?",
    ),
    (
        "min_healthy = 0",
        "9:15 `min_healthy` must be from 1 to 65535, not 0",
    ),
    (
        "min_healthy = \"0%\"",
        "9:15 `min_healthy` must be from \"1%\" to \"100%\", not \"0%\"",
    ),
    (
        "min_healthy = \"half\"",
        "9:15 `min_healthy` must be from \"1%\" to \"100%\", not \"half\"",
    ),
    (
        "min_healthy = 0.5",
        "9:15 `min_healthy` must be a number of servers, or a part like \"50%\", not a float",
    ),
    (
        "min_healthy = 4",
        "9:15 `min_healthy` is 4, but the service has 3 real servers | it could never be reached: write a lower number",
    ),
    (
        "min_healthy = \"60%\"\nhysteresis = 2",
        "10:14 `min_healthy` and `hysteresis` are 4 together, but the service has 3 real servers | a quorum that is lost could never be regained: write a lower number",
    ),
    (
        "hysteresis = 1\nquorum_up = [\"/bin/up\"]",
        "9:14 `hysteresis` does nothing without `min_healthy` | add `min_healthy = …`, or remove it
10:13 `quorum_up` does nothing without `min_healthy` | add `min_healthy = …`, or remove it",
    ),
    (
        "min_healthy = 2\nquorum_down = \"/bin/down\"",
        "10:15 `quorum_down` must be an array, not a string | write the program and its arguments, which no shell reads, as strings: [\"/usr/local/bin/check\", \"eth0\"]",
    ),
    (
        "fallback = \"192.0.2.22\"",
        "9:12 `fallback` 192.0.2.22 is one of the service's real servers | write the address of another server, or remove it",
    ),
    (
        "fallback = \"192.0.2.99:8080\"",
        "9:12 port 8080 is not the service's port 80 | direct routing cannot translate ports: run the server on the service's port",
    ),
    (
        "fallback = \"2001:db8::99\"",
        "9:12 real server 2001:db8::99 is IPv6, but the service's address is IPv4 | direct routing cannot translate between address families",
    ),
    (
        "panic_threshold = 30",
        "9:19 `panic_threshold` must be a part in percent | write it as a string, like \"30%\"",
    ),
    (
        "max_down_at_once = 3",
        "9:20 `max_down_at_once` is 3, but the service has 3 real servers | so many may always be down: write a lower number, or remove it",
    ),
    (
        "quorum = 2\nsorry_server = \"192.0.2.99\"\nalpha = true\nwarmup = 5",
        "9:1 unknown key `quorum` in [[service]] | write `min_healthy = …`
10:1 unknown key `sorry_server` in [[service]] | write `fallback = …`
11:1 unknown key `alpha` in [[service]] | write `initial = \"down\"`
12:1 unknown key `warmup` in [[service]] | remove it: the first probe starts at once, so that the server is known",
    ),
];

#[test]
fn wrong_policies_are_explained() {
    check_rows(WRONG, text);
}

#[test]
fn without_a_check_nothing_follows() {
    let keys = [
        ("initial", "\"up\""),
        ("on_failure", "\"remove\""),
        ("slow_start", "\"1s\""),
        ("flap_damping", "{}"),
        ("min_healthy", "1"),
        ("panic_threshold", "\"1%\""),
        ("max_down_at_once", "1"),
    ];
    for (key, value) in keys {
        let text = text(&format!("{key} = {value}")).replace(CHECK, "");
        let column = key.len() + 4;
        let expected = format!(
            "9:{column} `{key}` does nothing: the service has no `check` | add a `check`, or \
             remove it"
        );
        assert_eq!(said(&text), expected);
    }
    let fallback = text("fallback = \"192.0.2.99\"").replace(CHECK, "");
    assert_eq!(said(&fallback), "");
    let server = text("").replace(CHECK, "") + "initial = \"up\"\n";
    assert!(said(&server).contains("16:11 `initial` does nothing"));
    let own = text("slow_start = \"1s\"").replace(CHECK, "") + "check = { type = \"tcp\" }\n";
    assert_eq!(said(&own), "", "one of the servers is checked");
}

#[test]
fn keepalived_words_in_a_check_have_hints() {
    for (key, hint) in [
        ("alpha = true", "write `initial = \"down\"` in the service"),
        ("ha_suspend = true", "write `when = \"master\"`"),
        (
            "initial = \"up\"",
            "it is a key of [[service]]: move it above",
        ),
        ("warmup = 1", "remove it"),
    ] {
        let text = text("").replace("\"tcp\"", &format!("\"tcp\", {key}"));
        assert!(said(&text).contains(hint), "{}", said(&text));
    }
}
