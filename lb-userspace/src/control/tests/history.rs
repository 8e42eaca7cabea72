//! Transitions of real servers.

use std::time::SystemTime;

use super::*;
use crate::control::history::Change;

const SECOND: Duration = Duration::from_secs(1);

impl Bench {
    /// What happened since, as "from -> to after lasted: cause".
    fn transitions(&mut self, after: Duration) -> Vec<String> {
        let now = self.start + after;
        let changes = self
            .control
            .take_transitions(now, SystemTime::UNIX_EPOCH + after);
        changes.iter().map(show).collect()
    }

    fn remembered(&self) -> Vec<String> {
        let changes = self.control.history(None, None).unwrap();
        changes.iter().map(show).collect()
    }
}

fn show(change: &Change) -> String {
    let one = &change.transition;
    let lasted = one.lasted.as_secs();
    format!("{} -> {} after {lasted}s: {}", one.from, one.to, one.cause)
}

/// One after the other, a second each.
#[test]
fn each_transition_has_its_cause_and_how_long_it_took() {
    type Step = fn(&mut Bench);
    let steps: [(Step, &[&str]); 13] = [
        (|_| {}, &[]),
        (
            |bench| bench.verdict(SERVER, Ok(())),
            &[
                "checking -> no-mac after 2s: its MAC address is not known: it answers no ARP or \
               neighbour solicitation",
            ],
        ),
        (
            |bench| bench.resolve(SERVER, SERVER_MAC),
            &["no-mac -> up after 1s: its MAC address is known"],
        ),
        // The same again is no news.
        (|bench| bench.resolve(SERVER, SERVER_MAC), &[]),
        (
            |bench| bench.verdict(SERVER, Err("refused")),
            &["up -> down after 2s: refused"],
        ),
        (|bench| bench.verdict(SERVER, Err("no answer")), &[]),
        (
            |bench| bench.verdict(SERVER, Ok(())),
            &["down -> up after 2s: its check succeeds"],
        ),
        (
            |bench| {
                let (now, limit) = (bench.start + 7 * SECOND, Some(SECOND));
                bench.control.drain("web", SERVER, limit, now).unwrap();
            },
            &["up -> draining after 1s: it is drained by hand"],
        ),
        (
            |bench| bench.control.expire(bench.start + 8 * SECOND),
            &["draining -> drained after 1s: the deadline of its drain has passed"],
        ),
        (
            |bench| {
                let reason = Some("new kernel".to_owned());
                let now = bench.start + 9 * SECOND;
                bench.control.disable("web", SERVER, reason, now).unwrap();
            },
            &["drained -> disabled after 1s: by hand: new kernel"],
        ),
        (
            |bench| {
                let now = bench.start + 10 * SECOND;
                bench.control.enable("web", SERVER, now).unwrap();
            },
            &["disabled -> up after 1s: it is enabled again"],
        ),
        (
            |bench| {
                let gateway = Ipv4Addr::new(192, 0, 2, 1).into();
                bench.control.route(SERVER, Route::Via { gateway });
            },
            &[
                "up -> unreachable after 1s: it is behind router 192.0.2.1: direct routing needs it \
               on a network of the director",
            ],
        ),
        (
            |bench| bench.control.route(SERVER, Route::Local),
            &["unreachable -> up after 1s: direct routing reaches it"],
        ),
    ];
    let mut bench = Bench::new(CONFIG);
    bench.transitions(Duration::ZERO);
    let mut all = Vec::new();
    for (number, (step, expected)) in (0..).zip(steps) {
        step(&mut bench);
        // The first step is at one second.
        let seen = bench.transitions((number + 1) * SECOND);
        assert_eq!(seen, expected, "step {number}");
        all.splice(0..0, seen);
    }
    assert_eq!(bench.remembered(), all, "latest first");
}

#[test]
fn a_hundred_are_remembered_of_each_server() {
    let mut bench = Bench::new(&format!("{CONFIG}{SECOND_SERVER}"));
    bench.control.route(SERVER, Route::Local);
    bench.control.route(OTHER, Route::Local);
    bench.transitions(Duration::ZERO);
    for number in 1..=150 {
        let outcome = if number % 2 == 0 {
            Err("refused")
        } else {
            Ok(())
        };
        bench.verdict(SERVER, outcome);
        if number == 1 {
            bench.verdict(OTHER, Ok(()));
        }
        bench.transitions(number * SECOND);
    }
    let of = |server| bench.control.history(Some("web"), server).unwrap();
    let one = of(Some(SERVER));
    assert_eq!(one.len(), 100);
    assert_eq!(show(&one[0]), "up -> down after 1s: refused");
    assert_eq!(one[99].transition.at, SystemTime::UNIX_EPOCH + 51 * SECOND);
    assert_eq!(of(Some(OTHER)).len(), 1);
    let all = of(None);
    assert_eq!(all.len(), 101);
    assert_eq!(
        all[100].subject.real_server, OTHER,
        "the oldest is the last"
    );
    let error = bench.control.history(Some("www"), None).unwrap_err();
    assert!(error.to_string().ends_with("there are: web"), "{error}");
    let stranger = Some("192.0.2.99".parse().unwrap());
    let error = bench.control.history(Some("web"), stranger).unwrap_err();
    assert!(
        error.to_string().ends_with("192.0.2.21, 192.0.2.22"),
        "{error}"
    );
}

#[test]
fn the_history_of_a_server_goes_with_it_and_that_of_others_stays() {
    let mut bench = Bench::new(&format!("{CONFIG}{SECOND_SERVER}"));
    let both = bench.control.config().clone();
    bench.transitions(Duration::ZERO);
    for server in [SERVER, OTHER] {
        bench.control.route(server, Route::Local);
        bench.verdict(server, Ok(()));
    }
    assert_eq!(bench.transitions(SECOND).len(), 2);
    bench.control.configure(config(CONFIG), bench.start);
    assert_eq!(bench.transitions(2 * SECOND), [""; 0]);
    assert_eq!(bench.remembered().len(), 1);
    bench.control.configure(both, bench.start);
    assert_eq!(bench.transitions(3 * SECOND), [""; 0]);
    assert_eq!(bench.remembered().len(), 1);
}

/// A settle without news must not look at each of them.
#[test]
fn ten_thousand_servers_without_news_cost_nothing() {
    let servers: String = (0..10_000)
        .map(|number| {
            let (high, low) = (number / 250, number % 250 + 1);
            format!("[[service.real_server]]\naddress = \"10.9.{high}.{low}\"\n")
        })
        .collect();
    let (head, _) = CONFIG.split_once("[[service.real_server]]").unwrap();
    let global = "[global]\ntable_size = 16381\n";
    let mut bench = Bench::new(&format!("{global}{head}{servers}"));
    bench.transitions(Duration::ZERO);
    let link = eth0();
    let start = Instant::now();
    for number in 1..=10 {
        // What the daemon does whether anything happened or not.
        bench.control.set_links(vec![link.clone()]);
        bench.control.expire(bench.start + number * SECOND);
        assert!(bench.transitions(number * SECOND).is_empty());
    }
    let each = start.elapsed() / 10;
    assert!(each < Duration::from_millis(2), "{each:?}");
}
