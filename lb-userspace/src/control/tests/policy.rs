//! What follows from verdicts, in the tables.

use super::*;
use crate::control::policy::What;
use crate::dataplane::table::RealServer;

const FALLBACK: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));

/// Two servers of one service with these keys, both reached.
fn bench(keys: &str) -> Bench {
    let text = CONFIG.replace("check =", &format!("{keys}\ncheck =")) + SECOND_SERVER;
    let mut bench = Bench::new(&text);
    bench.resolve(SERVER, SERVER_MAC);
    bench.resolve(OTHER, SERVER_MAC);
    bench
}

impl Bench {
    fn judge_at(&mut self, after: Duration) {
        self.control.expire(self.start + after);
    }

    /// Weights in XDP's table of those that have a path.
    fn weights(&self) -> Vec<(IpAddr, u16)> {
        let table = self.control.table();
        let service = table.services.into_values().next().unwrap();
        let servers = service.real_servers.into_iter();
        let usable =
            |(address, server): (IpAddr, RealServer)| server.path.map(|_| (address, server.weight));
        servers.filter_map(usable).collect()
    }

    fn destinations(&mut self) -> Vec<(IpAddr, u32)> {
        self.control.planes_mut().ipvs = IpvsState::Ready;
        let table = self.control.ipvs_table();
        let services = table.services.into_values();
        let destinations = services.flat_map(|service| service.destinations);
        destinations
            .map(|(address, destination)| (address, destination.weight.into()))
            .collect()
    }

    fn word(&self, server: usize) -> &'static str {
        let service = &self.control.config().services[0];
        let server = &service.real_servers[server];
        self.control.server_state(service, server).name()
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn weights_grow_and_are_as_configured_in_the_end() {
    let mut bench = bench("slow_start = \"9s\"");
    bench.verdict(SERVER, Ok(()));
    bench.verdict(OTHER, Err("refused"));
    bench.judge_at(Duration::ZERO);
    assert_eq!(bench.weights(), [(SERVER, 1)]);
    bench.verdict(OTHER, Ok(()));
    bench.judge_at(SECOND);
    assert_eq!(bench.weights(), [(SERVER, 10), (OTHER, 1)]);
    assert_eq!(bench.word(1), "slow-start");
    bench.state(State::Master, SECOND);
    assert_eq!(bench.destinations(), [(SERVER, 10), (OTHER, 1)]);
    let mut now = bench.start + SECOND;
    for _ in 0..20 {
        // The instance waits, too.
        let Some(at) = bench.control.next_timeout(now) else {
            break;
        };
        now = at;
        bench.control.expire(now);
    }
    assert_eq!(now, bench.start + 10 * SECOND);
    assert_eq!(bench.weights(), [(SERVER, 1), (OTHER, 1)]);
    assert_eq!(bench.destinations(), [(SERVER, 1), (OTHER, 1)]);
}

#[test]
fn a_server_that_fails_keeps_its_place_without_weight() {
    let mut bench = bench("on_failure = \"quiesce\"");
    bench.verdict(SERVER, Ok(()));
    bench.verdict(OTHER, Err("refused"));
    bench.judge_at(Duration::ZERO);
    assert_eq!(bench.weights(), [(SERVER, 1), (OTHER, 0)]);
    assert_eq!(bench.word(1), "quiesced");
    bench.state(State::Master, Duration::ZERO);
    assert_eq!(bench.destinations(), [(SERVER, 1)], "mh counts on weight 0");
}

#[test]
fn the_fallback_is_a_server_like_others() {
    let mut bench = bench("fallback = \"192.0.2.99\"");
    let wanted = bench.control.wanted_hosts();
    assert_eq!(wanted.get(&FALLBACK), Some(&Knowledge::Unknown));
    bench.resolve(FALLBACK, SERVER_MAC);
    bench.verdict(SERVER, Ok(()));
    bench.verdict(OTHER, Ok(()));
    bench.judge_at(Duration::ZERO);
    assert_eq!(bench.weights(), [(SERVER, 1), (OTHER, 1), (FALLBACK, 0)]);
    bench.state(State::Master, Duration::ZERO);
    assert_eq!(bench.destinations(), [(SERVER, 1), (OTHER, 1)]);
    bench.verdict(SERVER, Err("refused"));
    bench.verdict(OTHER, Err("refused"));
    bench.judge_at(SECOND);
    assert_eq!(bench.weights(), [(FALLBACK, 1)]);
    assert_eq!(bench.destinations(), [(FALLBACK, 1)]);
    let service = bench.control.config().services[0].clone();
    assert!(bench.control.falls_back(&service));
    let news = bench.control.take_news();
    let used = What::Fallback {
        server: FALLBACK,
        used: true,
    };
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].service.as_ref(), &news[0].what), ("web", &used));
    assert_eq!(bench.control.take_news(), []);
    bench.verdict(OTHER, Ok(()));
    bench.judge_at(2 * SECOND);
    // Its connections may end there.
    assert_eq!(bench.weights(), [(OTHER, 1), (FALLBACK, 0)]);
}

#[test]
fn a_fallback_that_is_needed_is_waited_for() {
    let mut bench = bench("fallback = \"192.0.2.99\"");
    bench.control.planes_mut().xdp = XdpState::Attached;
    bench.verdict(SERVER, Err("refused"));
    bench.verdict(OTHER, Err("refused"));
    bench.judge_at(SECOND);
    assert!(bench.control.take_ready(bench.start + SECOND).is_empty());
    bench.resolve(FALLBACK, SERVER_MAC);
    assert_eq!(bench.control.take_ready(bench.start + SECOND), ["VI"]);
}

#[test]
fn servers_are_taken_for_something_before_they_are_checked() {
    for (keys, when, backup, master) in [
        ("", "always", "checking", "checking"),
        ("initial = \"up\"", "always", "up", "up"),
        ("initial = \"down\"", "always", "checking", "checking"),
        ("", "master", "up", "up"),
        ("initial = \"up\"", "master", "up", "up"),
        ("initial = \"down\"", "master", "down", "checking"),
    ] {
        let text = CONFIG.replace(
            "check = { type = \"tcp\" }",
            &format!("{keys}\ncheck = {{ type = \"tcp\", when = \"{when}\" }}"),
        );
        let mut bench = Bench::new(&text);
        bench.resolve(SERVER, SERVER_MAC);
        bench.state(State::Backup, Duration::ZERO);
        bench.judge_at(Duration::ZERO);
        assert!(bench.control.leading().is_empty());
        assert_eq!(bench.word(0), backup, "{keys} {when}");
        bench.state(State::Master, Duration::ZERO);
        bench.judge_at(Duration::ZERO);
        assert!(bench.control.leading().contains("VI"));
        assert_eq!(bench.word(0), master, "{keys} {when}");
        bench.verdict(SERVER, Err("refused"));
        bench.state(State::Backup, Duration::ZERO);
        assert_eq!(bench.word(0), "down", "the last verdict counts");
    }
}

#[test]
fn what_is_known_stays_with_a_reload_that_keeps_its_keys() {
    let keys = "min_healthy = 2\nfallback = \"192.0.2.99\"";
    let mut bench = bench(keys);
    bench.verdict(SERVER, Ok(()));
    bench.verdict(OTHER, Err("refused"));
    bench.judge_at(Duration::ZERO);
    let has = |bench: &Bench| bench.control.quorum(&bench.control.config().services[0]);
    assert_eq!(has(&bench), Some(false));
    assert_eq!(bench.control.take_news().len(), 1);
    let text = CONFIG.replace("check =", &format!("{keys}\ncheck =")) + SECOND_SERVER;
    let text = text.replace("\"tcp\"", "\"tcp\", rise = 3");
    bench.control.configure(config(&text), bench.start);
    bench.judge_at(SECOND);
    assert_eq!(has(&bench), Some(false));
    assert_eq!(bench.control.take_news(), []);
    bench
        .control
        .configure(config(&(CONFIG.to_owned() + SECOND_SERVER)), bench.start);
    bench.judge_at(SECOND);
    assert_eq!(has(&bench), None);
    assert_eq!(bench.weights(), [(SERVER, 1)]);
}
