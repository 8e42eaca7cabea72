//! Orders of the operator besides drains.

use super::*;
use crate::control::orders::{Hold, Order};
use crate::health::Weight;

const SECOND: Duration = Duration::from_secs(1);

fn bench(line: &str) -> Bench {
    drain::bench(line, SECOND_SERVER)
}

impl Bench {
    fn disable(&mut self, reason: Option<&str>) {
        let reason = reason.map(str::to_owned);
        let now = self.start;
        self.control.disable("web", SERVER, reason, now).unwrap();
    }

    fn set_weight(&mut self, weight: u16) {
        let now = self.start;
        self.control.set_weight("web", SERVER, weight, now).unwrap();
    }

    /// State, whether the program and IPVS send it packets, its weight.
    fn standing(&self) -> (&'static str, bool, bool, u16) {
        let service = &self.control.config().services[0];
        let server = &service.real_servers[0];
        let state = self.control.server_state(service, server);
        let program = self.control.table();
        let program = program.services.values().next().unwrap();
        let ipvs = self.control.ipvs_table();
        let ipvs = ipvs.services.values().next().unwrap();
        (
            state.name(),
            program.real_servers[&SERVER].path.is_some(),
            ipvs.destinations.contains_key(&SERVER),
            self.control.weight(service, server),
        )
    }
}

#[test]
fn a_disabled_server_gets_nothing_whatever_its_check_says() {
    let mut bench = bench("");
    assert_eq!(bench.standing(), ("up", true, true, 1));
    bench.disable(Some("new kernel"));
    for (outcome, words) in [
        (Ok(()), "by hand: new kernel; its check succeeds"),
        (
            Err("refused"),
            "by hand: new kernel; its check fails: refused",
        ),
        (Ok(()), "by hand: new kernel; its check succeeds"),
    ] {
        bench.verdict(SERVER, outcome);
        assert_eq!(bench.standing(), ("disabled", false, false, 1));
        assert_eq!(bench.server_state().reason().as_deref(), Some(words));
    }
    let ended = bench.control.enable("web", SERVER, bench.start).unwrap();
    assert_eq!(ended.words(bench.start), "disabled (new kernel)");
    assert_eq!(bench.standing(), ("up", true, true, 1));
}

#[test]
fn one_that_is_disabled_before_its_first_verdict_gets_nothing_from_the_start() {
    let mut bench = Bench::new(CONFIG);
    bench.resolve(SERVER, SERVER_MAC);
    bench.disable(None);
    assert_eq!(bench.path(SERVER), None);
    assert_eq!(
        bench.server_state().reason().as_deref(),
        Some("by hand; its check has not ended yet")
    );
    // Nor is it waited for.
    assert_eq!(bench.control.take_ready(bench.start), ["VI"]);
}

#[test]
fn the_later_of_disable_and_drain_counts() {
    let mut bench = bench("scheduler = \"wrr\"");
    let now = bench.start;
    bench
        .control
        .drain("web", SERVER, Some(SECOND), now)
        .unwrap();
    assert_eq!(bench.standing(), ("draining", true, true, 0));
    bench.disable(None);
    assert_eq!(bench.standing(), ("disabled", false, false, 1));
    // The deadline went with its drain.
    bench.control.take_ready(now);
    assert_eq!(bench.control.next_timeout(now), None);
    bench.control.drain("web", SERVER, None, now).unwrap();
    assert_eq!(bench.standing(), ("draining", true, true, 0));
    let ended = bench.control.enable("web", SERVER, now);
    assert_eq!(ended, Ok(Hold::Drained { deadline: None }));
    assert_eq!(bench.standing(), ("up", true, true, 1));
}

#[test]
fn a_weight_by_hand_counts_before_file_and_check() {
    let mut bench = bench("scheduler = \"wrr\"");
    bench.set_weight(7);
    assert_eq!(bench.standing(), ("up", true, true, 7));
    let subject = Subject {
        service: "web".into(),
        real_server: SERVER,
    };
    bench.control.verdict(Verdict {
        subject,
        outcome: Ok(()),
        changed: false,
        weight: Some(Weight::Is(3)),
        certificate: None,
        at: bench.start,
    });
    assert_eq!(bench.standing().3, 7);
    bench.set_weight(0);
    assert_eq!(bench.standing(), ("draining", true, true, 0));
    assert_eq!(
        bench.control.clear_weight("web", SERVER, bench.start),
        Ok(0)
    );
    assert_eq!(bench.standing(), ("up", true, true, 3));
}

#[test]
fn a_weight_by_hand_ends_what_weight_0_in_the_file_does() {
    let text = format!("{CONFIG}weight = 0\n{SECOND_SERVER}");
    let text = text.replace("check = ", "drain_deadline = \"10s\"\ncheck = ");
    let mut bench = Bench::new(&text);
    bench.verdict(SERVER, Ok(()));
    bench.resolve(SERVER, SERVER_MAC);
    bench.control.expire(bench.start + 10 * SECOND);
    assert_eq!(bench.server_state().name(), "drained");
    bench.set_weight(5);
    assert_eq!(bench.server_state().name(), "up");
    // By hand there is no deadline.
    bench.set_weight(0);
    bench.control.expire(bench.start + 11 * SECOND);
    assert_eq!(bench.server_state().name(), "draining");
    let later = bench.start + 12 * SECOND;
    bench.control.clear_weight("web", SERVER, later).unwrap();
    assert_eq!(bench.server_state().name(), "drained");
}

#[test]
fn a_reload_keeps_orders_and_drops_those_of_servers_that_are_gone() {
    let mut bench = bench("");
    bench.disable(None);
    bench.set_weight(9);
    let same = bench.control.config().clone();
    let (now, control) = (bench.start, &mut bench.control);
    control.configure(same.clone(), now);
    assert_eq!(control.take_dropped_orders(), []);
    assert_eq!(control.orders().len(), 1);
    let renamed = CONFIG.replace("\"web\"", "\"www\"");
    for lost in [CONFIG.replace("192.0.2.21", "192.0.2.99"), renamed] {
        control.configure(config(&lost), now);
        let dropped = control.take_dropped_orders();
        assert_eq!(dropped[0].1.words(now), "disabled, weight 9");
        assert!(control.orders().is_empty());
        control.configure(same.clone(), now);
        assert!(control.orders().is_empty(), "gone for good");
        control.disable("web", SERVER, None, now).unwrap();
        control.set_weight("web", SERVER, 9, now).unwrap();
    }
}

#[test]
fn words() {
    let now = Instant::now();
    let drained = |deadline| Order {
        hold: Some(Hold::Drained { deadline }),
        weight: None,
    };
    let passed = drained(Some(now));
    assert_eq!(passed.words(now), "drained, past its deadline");
    let hour = drained(Some(now + 3600 * SECOND));
    assert_eq!(hour.words(now), "drained, with 1h left");
    assert_eq!(drained(None).words(now), "drained");
}

#[test]
fn a_disabled_server_is_not_healthy_for_tracking() {
    let mut bench = bench("");
    let healthy = |bench: &Bench| {
        let services = &bench.control.config().services[0];
        let states = services.real_servers.iter();
        let states = states.map(|server| bench.control.server_state(services, server));
        states.filter(ServerState::is_settled).count()
    };
    assert_eq!(healthy(&bench), 2);
    bench.disable(None);
    assert_eq!(healthy(&bench), 2, "it is known what it is");
}
