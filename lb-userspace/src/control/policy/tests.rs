//! One service: verdicts and time in, what its servers are used for and what is told out.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;

mod random;

const INSTANCE: &str = "[[vrrp]]\nname = \"VI\"\ninterface = \"eth0\"\nvirtual_router_id = 51\n\
                        addresses = [\"192.0.2.10/24\"]\n";

const fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 20 + number))
}

/// A service with these keys, and servers from 1 to `servers`.
fn service(keys: &str, servers: u8) -> config::Service {
    let mut text = format!(
        "{INSTANCE}[[service]]\nname = \"web\"\naddress = \"192.0.2.10:80\"\n\
         check = {{ type = \"tcp\" }}\n{keys}\n"
    );
    for number in 1..=servers {
        let address = address(number);
        let _ = write!(text, "[[service.real_server]]\naddress = \"{address}\"\n");
    }
    let config = config::parse("test.toml".as_ref(), &text);
    config.unwrap().services.remove(0)
}

struct Bench {
    desk: Desk,
    service: config::Service,
    facts: Vec<Facts>,
    start: Instant,
}

impl Bench {
    fn new(service: config::Service) -> Self {
        let servers = service.real_servers.iter();
        let facts = servers.map(|server| Facts {
            address: server.address,
            manner: server.manner,
            health: Health::Open,
            reached: Reached::Yes,
            drained: false,
        });
        Self {
            desk: Desk::default(),
            facts: facts.collect(),
            service,
            start: Instant::now(),
        }
    }

    /// Verdicts on servers by their numbers (`+1` good, `-2` bad), other things that happen to
    /// them (`~1` drained, `=1` not drained, `!1` cannot be reached, `?1` not reached yet, `.1`
    /// reached), and judgement.
    fn at(&mut self, seconds: f64, what: &str) -> Vec<What> {
        let now = self.start + Duration::from_secs_f64(seconds);
        for word in what.split_whitespace() {
            let (sign, number) = word.split_at(1);
            let fact = &mut self.facts[number.parse::<usize>().unwrap() - 1];
            match sign {
                "+" => fact.health = Health::Good,
                "-" => fact.health = Health::Bad("refused".to_owned()),
                "~" | "=" => fact.drained = sign == "~",
                "!" => fact.reached = Reached::No,
                "?" => fact.reached = Reached::NotYet,
                "." => fact.reached = Reached::Yes,
                other => panic!("{other}"),
            }
            if matches!(sign, "+" | "-") {
                self.desk.observe(fact.address, sign == "+", now);
            }
        }
        self.desk.judge(&self.service.policy, &self.facts, now)
    }

    /// A sign for each server: `?` open, `I` in, a digit while it grows, `K` kept, `Q` quiesced,
    /// `-` out; and `F` if the fallback is used, `P` in a panic.
    fn signs(&self) -> String {
        let sign = |fact: &Facts| match self.desk.ruling(fact.address).unwrap() {
            Ruling::Open => '?',
            Ruling::In { step: None } => 'I',
            Ruling::In { step: Some(step) } => char::from(b'0' + step),
            Ruling::Kept { .. } => 'K',
            Ruling::Quiesced { .. } => 'Q',
            Ruling::Out { .. } => '-',
        };
        let fallback = self.desk.falls_back().then_some('F');
        let panic = self.desk.panics().then_some('P');
        let servers = self.facts.iter().map(sign);
        servers.chain(fallback).chain(panic).collect()
    }

    fn reason(&self, number: u8) -> String {
        match self.desk.ruling(address(number)).unwrap() {
            Ruling::Open | Ruling::In { .. } => String::new(),
            Ruling::Kept { reason } | Ruling::Quiesced { reason } | Ruling::Out { reason } => {
                reason.clone()
            }
        }
    }
}

fn word(what: &What) -> String {
    let number = |server: &IpAddr| match server {
        IpAddr::V4(address) => i16::from(address.octets()[3]) - 20,
        IpAddr::V6(_) => 0,
    };
    match what {
        What::Quorum { has: true, .. } => "quorum".to_owned(),
        What::Quorum { has: false, .. } => "no quorum".to_owned(),
        What::Panic { on: true, .. } => "panic".to_owned(),
        What::Panic { on: false, .. } => "calm again".to_owned(),
        What::Fallback { used: true, .. } => "fallback".to_owned(),
        What::Fallback { used: false, .. } => "no fallback".to_owned(),
        What::Damped { server, .. } => format!("damped {}", number(server)),
        What::Calm { server } => format!("calm {}", number(server)),
    }
}

/// Seconds, what happens, and what follows: the servers' signs and what is told.
type Step = (f64, &'static str, &'static str, &'static str);

fn run(keys: &str, servers: u8, steps: &[Step]) {
    let mut bench = Bench::new(service(keys, servers));
    for (number, (seconds, what, signs, told)) in steps.iter().enumerate() {
        let news = bench.at(*seconds, what);
        let news: Vec<String> = news.iter().map(word).collect();
        let found = (bench.signs(), news.join(", "));
        let expected = ((*signs).to_owned(), (*told).to_owned());
        assert_eq!(found, expected, "{keys}: step {number}, {seconds} s {what}");
    }
}

#[test]
fn a_server_that_came_up_grows() {
    run(
        "slow_start = \"9s\"",
        2,
        &[
            (0.0, "+1 +2", "II", ""),
            (1.0, "-2", "I-", ""),
            (2.0, "+2", "I1", ""),
            (2.9, "", "I1", ""),
            (3.0, "", "I2", ""),
            (10.9, "", "I9", ""),
            (11.0, "", "II", ""),
            (12.0, "-2", "I-", ""),
            (13.0, "+2", "I1", ""),
            // It begins anew.
            (14.0, "-2", "I-", ""),
            (20.0, "+2", "I1", ""),
        ],
    );
    // It was not in before.
    let steps = [(0.0, "+1 -2", "I-", ""), (1.0, "+2", "I1", "")];
    run("slow_start = \"9s\"", 2, &steps);
}

#[test]
fn a_server_that_is_added_grows() {
    let mut bench = Bench::new(service("slow_start = \"9s\"", 2));
    let added = bench.facts.pop().unwrap();
    bench.at(0.0, "+1");
    bench.facts.push(added);
    bench.at(1.0, "");
    assert_eq!(bench.signs(), "I?");
    bench.at(2.0, "+2");
    assert_eq!(bench.signs(), "I1");
}

#[test]
fn time_is_asked_for_when_it_changes_something() {
    let mut bench = Bench::new(service("slow_start = \"9s\"\nflap_damping = {}", 1));
    bench.at(0.0, "-1");
    assert_eq!(bench.desk.next_timeout(), None);
    bench.at(1.0, "+1");
    let mut steps = 0;
    while let Some(at) = bench.desk.next_timeout() {
        let seconds = (at - bench.start).as_secs_f64();
        bench.at(seconds - 0.001, "");
        assert_eq!(bench.desk.next_timeout(), Some(at));
        bench.at(seconds, "");
        steps += 1;
    }
    assert_eq!((steps, bench.signs().as_str()), (9, "I"));
}

#[test]
fn a_server_that_fails_may_keep_its_connections() {
    let steps = [
        (0.0, "+1 -2", "IQ", ""),
        (1.0, "-1", "QQ", ""),
        (2.0, "+1 +2", "II", ""),
    ];
    run("on_failure = \"quiesce\"", 2, &steps);
}

#[test]
fn a_server_that_flaps_is_down_until_it_is_calm() {
    let keys = "flap_damping = { changes = 3, within = \"10s\", hold = \"5s\" }";
    run(
        keys,
        2,
        &[
            (0.0, "+1 +2", "II", ""),
            (1.0, "-2", "I-", ""),
            (2.0, "+2", "II", ""),
            (3.0, "-2", "I-", "damped 2"),
            (4.0, "+2", "I-", ""),
            (8.9, "", "I-", ""),
            (9.0, "", "II", "calm 2"),
            (10.0, "-2", "I-", ""),
            (11.0, "+2", "II", ""),
        ],
    );
    let mut bench = Bench::new(service(keys, 1));
    for (seconds, what) in [(0.0, "+1"), (1.0, "-1"), (2.0, "+1"), (3.0, "-1")] {
        bench.at(seconds, what);
    }
    let words = "it changed 3 times within 10s: down until it has been healthy for 5s without a \
                 break";
    assert_eq!(bench.reason(1), format!("refused; {words}"));
    bench.at(4.0, "+1");
    assert_eq!(bench.reason(1), words);
}

#[test]
fn no_more_servers_are_taken_out_than_allowed() {
    run(
        "max_down_at_once = 1",
        4,
        &[
            (0.0, "+1 +2 +3 +4", "IIII", ""),
            (1.0, "-2", "I-II", ""),
            (2.0, "-1", "K-II", ""),
            (3.0, "-3", "K-KI", ""),
            // Whoever fails for longest has the place that is free.
            (4.0, "+2", "-IKI", ""),
            (5.0, "-2", "-KKI", ""),
            // One that gets no clients takes no place.
            (6.0, "~1", "-K-I", ""),
            (7.0, "+3", "--II", ""),
            (8.0, "=1", "K-II", ""),
            (9.0, "+1 +2", "IIII", ""),
        ],
    );
    let mut bench = Bench::new(service("max_down_at_once = \"25%\"", 2));
    bench.at(0.0, "-1 -2");
    assert_eq!(bench.signs(), "-K");
    assert_eq!(bench.reason(2), "refused; kept by max_down_at_once = 25%");
}

#[test]
fn in_a_panic_all_are_used() {
    run(
        "panic_threshold = \"50%\"",
        4,
        &[
            (0.0, "-1", "-???", ""),
            (1.0, "-2", "--??", ""),
            (2.0, "-3", "KKK?P", "panic"),
            (3.0, "+4", "KKKIP", ""),
            (4.0, "+3", "--II", "calm again"),
            (5.0, "~1 -3", "-KKIP", "panic"),
            // Healthy, but nothing gets there.
            (6.0, "+3 !4", "-KIIP", ""),
            (7.0, ".4", "--II", "calm again"),
        ],
    );
    let mut bench = Bench::new(service("panic_threshold = \"50%\"", 2));
    bench.at(0.0, "-1 -2");
    let expected = "refused; used nevertheless: fewer than 50% are healthy";
    assert_eq!(bench.reason(1), expected);
}

#[test]
fn a_server_that_was_used_in_a_panic_does_not_grow() {
    let steps = [
        (0.0, "+1 +2", "II", ""),
        (1.0, "-1 -2", "KKP", "panic"),
        (2.0, "+1 +2", "II", "calm again"),
    ];
    run("panic_threshold = \"50%\"\nslow_start = \"9s\"", 2, &steps);
}

#[test]
fn a_quorum_is_lost_and_regained() {
    run(
        "min_healthy = 2\nhysteresis = 1",
        3,
        &[
            (0.0, "", "???", ""),
            (0.1, "+1", "I??", ""),
            (0.2, "-2", "I-?", ""),
            (0.3, "+3", "I-I", "quorum"),
            // Drained servers are healthy nevertheless.
            (1.0, "~1", "I-I", ""),
            (2.0, "-3", "I--", "no quorum"),
            (3.0, "+3", "I-I", ""),
            (4.0, "+2", "III", "quorum"),
            (5.0, "-2", "I-I", ""),
            (6.0, "!3", "I-I", "no quorum"),
        ],
    );
    let steps = [(0.0, "-1", "-??", ""), (1.0, "-2", "--?", "no quorum")];
    run("min_healthy = 2", 3, &steps);
}

#[test]
fn the_fallback_is_used_when_nobody_is_left() {
    run(
        "fallback = \"192.0.2.99\"",
        2,
        &[
            (0.0, "", "??", ""),
            (0.1, "-1", "-?", ""),
            (0.2, "-2", "--F", "fallback"),
            (1.0, "+1", "I-", "no fallback"),
            (2.0, "~1", "I-F", "fallback"),
            (3.0, "=1", "I-", "no fallback"),
            (4.0, "!1", "I-F", "fallback"),
            (5.0, ".1", "I-", "no fallback"),
            (6.0, "?1", "I-", ""),
        ],
    );
    // As long as others are used nevertheless, it is not.
    let keys = "fallback = \"192.0.2.99\"\npanic_threshold = \"10%\"";
    run(keys, 2, &[(0.0, "-1 -2", "KKP", "panic")]);
    let keys = "fallback = \"192.0.2.99\"\nmax_down_at_once = 1";
    run(keys, 2, &[(0.0, "-1 -2", "-K", "")]);
    let keys = "fallback = \"192.0.2.99\"\non_failure = \"quiesce\"";
    run(keys, 2, &[(0.0, "-1 -2", "QQF", "fallback")]);
}
