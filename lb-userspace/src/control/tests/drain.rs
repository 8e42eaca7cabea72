use super::*;
use crate::control::orders::{Hold, Order};

const SECOND: Duration = Duration::from_secs(1);

/// Two healthy servers, on the master.
pub(super) fn bench(service: &str, servers: &str) -> Bench {
    let text = CONFIG.replace("check = ", &format!("{service}\ncheck = "));
    let mut bench = Bench::new(&format!("{text}{servers}"));
    for server in [SERVER, OTHER] {
        bench.verdict(server, Ok(()));
        bench.resolve(server, SERVER_MAC);
    }
    bench.state(State::Master, Duration::ZERO);
    bench.control.planes_mut().ipvs = IpvsState::Ready;
    bench
}

impl Bench {
    fn drain(&mut self, deadline: Option<Duration>) -> Option<Instant> {
        let now = self.start;
        self.control.drain("web", SERVER, deadline, now).unwrap()
    }

    /// Weight in the program's table, whether there is a path, word in `status`.
    fn seen(&self, host: IpAddr) -> (u16, bool, &'static str) {
        let service = &self.control.config().services[0];
        let servers = &service.real_servers;
        let server = servers.iter().find(|s| s.address == host).unwrap();
        let state = self.control.server_state(service, server);
        let table = self.control.table();
        let wanted = table.services.values().next().unwrap().real_servers[&host];
        assert_eq!(wanted.path, state.path());
        (wanted.weight, wanted.path.is_some(), state.name())
    }

    fn expire(&mut self, after: Duration) {
        self.control.expire(self.start + after);
    }
}

#[test]
fn a_drained_server_keeps_its_path_until_the_deadline() {
    let mut bench = bench("", SECOND_SERVER);
    assert_eq!(bench.seen(SERVER), (1, true, "up"));
    let deadline = bench.drain(Some(60 * SECOND)).unwrap();
    assert_eq!(deadline, bench.start + 60 * SECOND);
    assert_eq!(bench.seen(SERVER), (0, true, "draining"));
    assert_eq!(bench.seen(OTHER), (1, true, "up"));
    bench.control.take_ready(bench.start);
    assert_eq!(bench.control.next_timeout(bench.start), Some(deadline));
    bench.expire(59 * SECOND);
    assert_eq!(bench.seen(SERVER), (0, true, "draining"));
    bench.expire(60 * SECOND);
    assert_eq!(bench.seen(SERVER), (0, false, "drained"));
    assert_eq!(bench.control.next_timeout(deadline), None);
    bench.control.undrain("web", SERVER, deadline).unwrap();
    assert_eq!(bench.seen(SERVER), (1, true, "up"));
}

#[test]
fn a_drain_without_deadline_lasts_until_it_is_undone() {
    let mut bench = bench("", SECOND_SERVER);
    assert_eq!(bench.drain(None), None);
    bench.control.take_ready(bench.start);
    assert_eq!(bench.control.next_timeout(bench.start), None);
    bench.expire(86_400 * 365 * SECOND);
    assert_eq!(bench.seen(SERVER), (0, true, "draining"));
    // What ails it is more important.
    bench.verdict(SERVER, Err("refused"));
    assert_eq!(bench.seen(SERVER), (0, false, "down"));
}

#[test]
fn a_second_drain_sets_a_new_deadline() {
    let mut bench = bench("drain_deadline = \"1h\"", SECOND_SERVER);
    assert_eq!(bench.drain(None), Some(bench.start + 3600 * SECOND));
    bench.drain(Some(SECOND));
    bench.expire(SECOND);
    assert_eq!(bench.seen(SERVER), (0, false, "drained"));
    let later = bench.start + SECOND;
    let again = bench.control.drain("web", SERVER, Some(SECOND), later);
    assert_eq!(again, Ok(Some(later + SECOND)));
    assert_eq!(bench.seen(SERVER), (0, true, "draining"));
}

#[test]
fn errors_name_what_exists() {
    let mut bench = bench("", SECOND_SERVER);
    let now = bench.start;
    let stranger: IpAddr = "192.0.2.99".parse().unwrap();
    let mut said = |service, server| {
        let error = bench.control.drain(service, server, None, now).unwrap_err();
        let same = bench.control.undrain(service, server, now).unwrap_err();
        assert_eq!(error, same);
        error.to_string()
    };
    assert_eq!(
        said("wbe", SERVER),
        "no service is called \"wbe\"; there are: web"
    );
    assert_eq!(
        said("web", stranger),
        "service web has no real server 192.0.2.99; it has: 192.0.2.21, 192.0.2.22"
    );
    let error = bench.control.undrain("web", SERVER, now).unwrap_err();
    assert_eq!(
        error.to_string(),
        "real server 192.0.2.21 of service web is not being drained"
    );
}

#[test]
fn weight_0_drains_from_the_moment_that_it_became_0() {
    let without_weight = format!("{SECOND_SERVER}weight = 0\n");
    let mut bench = bench("drain_deadline = \"10s\"", SECOND_SERVER);
    let text = format!("{CONFIG}{without_weight}");
    let text = text.replace("check = ", "drain_deadline = \"10s\"\ncheck = ");
    let reload = |bench: &mut Bench, text: &str, after| {
        let now = bench.start + after;
        bench.control.configure(config(text), now);
    };
    reload(&mut bench, &text, 5 * SECOND);
    assert_eq!(bench.seen(OTHER), (0, true, "draining"));
    // A second reload does not begin anew.
    reload(&mut bench, &text, 10 * SECOND);
    bench.expire(14 * SECOND);
    assert_eq!(bench.seen(OTHER), (0, true, "draining"));
    bench.expire(15 * SECOND);
    assert_eq!(bench.seen(OTHER), (0, false, "drained"));
    let error = bench
        .control
        .undrain("web", OTHER, bench.start)
        .unwrap_err();
    assert!(error.to_string().contains("its weight is 0"), "{error}");
    // A later deadline in the file brings it back.
    reload(&mut bench, &text.replace("10s", "20s"), 16 * SECOND);
    assert_eq!(bench.seen(OTHER), (0, true, "draining"));
    reload(&mut bench, &text.replace("weight = 0", ""), 17 * SECOND);
    assert_eq!(bench.seen(OTHER), (1, true, "up"));
}

#[test]
fn the_drain_of_a_server_that_is_configured_away_ends() {
    let mut bench = bench("", SECOND_SERVER);
    let now = bench.start;
    bench.control.drain("web", OTHER, None, now).unwrap();
    let both = bench.control.config().clone();
    bench.control.configure(config(CONFIG), now);
    assert!(bench.control.orders().is_empty());
    bench.control.configure(both, now);
    bench.verdict(OTHER, Ok(()));
    assert_eq!(bench.seen(OTHER), (1, true, "up"));
}

#[test]
fn drains_are_restored_as_far_as_their_servers_exist() {
    let mut bench = bench("", SECOND_SERVER);
    let now = bench.start;
    let subject = |service: &str| Subject {
        service: service.into(),
        real_server: SERVER,
    };
    let drained = |deadline| Order {
        hold: Some(Hold::Drained { deadline }),
        weight: None,
    };
    let left = [
        (subject("web"), drained(Some(now))),
        (subject("gone"), drained(None)),
    ];
    bench.control.restore_orders(left, now);
    assert_eq!(bench.control.orders().len(), 1);
    assert_eq!(bench.seen(SERVER), (0, false, "drained"));
}

#[test]
fn ipvs_keeps_a_drained_server_where_its_scheduler_ignores_it() {
    for (scheduler, expected) in [
        ("mh", None),
        ("sh", None),
        ("rr", Some(0)),
        ("wrr", Some(0)),
        ("lc", Some(0)),
        ("wlc", Some(0)),
    ] {
        let mut bench = bench(&format!("scheduler = {scheduler:?}"), SECOND_SERVER);
        let weight = |bench: &Bench| {
            let table = bench.control.ipvs_table();
            let service = table.services.values().next().unwrap();
            service.destinations.get(&SERVER).map(|d| d.weight)
        };
        assert_eq!(weight(&bench), Some(1));
        bench.drain(Some(SECOND));
        assert_eq!(weight(&bench), expected, "{scheduler}");
        bench.expire(SECOND);
        assert_eq!(weight(&bench), None, "{scheduler}");
    }
}
