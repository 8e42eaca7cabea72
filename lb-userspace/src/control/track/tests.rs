use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroI16, NonZeroU8, NonZeroU16};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::config::{Config, Script, TrackedScript};
use crate::control::tests::eth0;
use crate::dataplane::table::Mac;
use crate::health::{Subject, Verdict};
use crate::netlink::{Link, Neighbour, Resolution, Route};

const CONFIG: &str = r#"
[[vrrp]]
name = "VI"
interface = "eth0"
virtual_router_id = 51
priority = 100
addresses = ["192.0.2.10/24"]

[[service]]
name = "web"
address = "192.0.2.10:80"
check = { type = "tcp" }
[[service.real_server]]
address = "192.0.2.21"
[[service.real_server]]
address = "192.0.2.22"
"#;

fn script() -> Tracked {
    Tracked::Script(TrackedScript {
        script: Script {
            program: "/etc/lvx/check".into(),
            arguments: vec!["fast".to_owned()],
            user: "nobody".to_owned(),
            timeout: Duration::from_secs(1),
        },
        interval: Duration::from_secs(1),
        rise: 1,
        fall: 1,
    })
}

fn file() -> Tracked {
    Tracked::File(PathBuf::from("/run/weight"))
}

fn process() -> Tracked {
    Tracked::Process {
        name: "nginx".to_owned(),
        at_least: NonZeroU16::MIN,
    }
}

fn route() -> Tracked {
    Tracked::Route {
        network: Ipv4Addr::new(198, 51, 100, 0).into(),
        prefix_len: 24,
    }
}

fn interface(name: &str) -> Tracked {
    Tracked::Interface(name.to_owned())
}

fn service(min_healthy: u16) -> Tracked {
    Tracked::Service {
        name: "web".to_owned(),
        min_healthy,
    }
}

fn link(name: &str, up: bool) -> Link {
    let name = name.to_owned();
    Link { name, up, ..eth0() }
}

struct Bench {
    control: Control,
    start: Instant,
}

impl Bench {
    /// An instance of priority 100 that tracks these with these weights; 0 = none.
    fn new(tracks: &[(Tracked, i16)]) -> Self {
        Self::with_priority(100, tracks)
    }

    fn with_priority(priority: u8, tracks: &[(Tracked, i16)]) -> Self {
        let start = Instant::now();
        let mut control = Control::new(Self::config(priority, tracks), start);
        control.set_links(vec![link("eth0", true)]);
        Self { control, start }
    }

    fn config(priority: u8, tracks: &[(Tracked, i16)]) -> Config {
        let mut config = config::parse(Path::new("test.toml"), CONFIG).unwrap();
        config.vrrp[0].priority = NonZeroU8::new(priority).unwrap();
        let track = |(what, weight): &(Tracked, i16)| Track {
            what: what.clone(),
            weight: NonZeroI16::new(*weight),
        };
        config.vrrp[0].track = tracks.iter().map(track).collect();
        config
    }

    fn see(&mut self, what: Tracked, seen: Seen) -> bool {
        self.control.tracked(Report { what, seen })
    }

    fn verdict(&mut self, last_byte: u8, up: bool) {
        let real_server = IpAddr::from([192, 0, 2, last_byte]);
        self.control
            .route(real_server, Route::OnLink { ifindex: 3 });
        self.control.neighbour(&Neighbour {
            ifindex: 3,
            address: real_server,
            state: Resolution::Known(Mac([2, 0, 0, 0, 0, last_byte])),
        });
        self.control.verdict(Verdict {
            subject: Subject {
                service: "web".into(),
                real_server,
            },
            outcome: if up { Ok(()) } else { Err("no".to_owned()) },
            changed: true,
            weight: None,
            certificate: None,
            at: self.start,
        });
    }

    fn vrrp(&self) -> config::Instance {
        self.control.config.vrrp[0].clone()
    }

    fn standing(&self) -> (Option<String>, i16) {
        let standing = self.control.standing(&self.vrrp());
        (standing.fault, standing.adjustment)
    }

    fn priority(&self) -> u8 {
        self.control.effective_priority(&self.vrrp())
    }
}

fn not_well(words: &str) -> Seen {
    Seen::NotWell(words.to_owned())
}

#[test]
fn effects_by_condition_and_weight() {
    let not_well = || Condition::NotWell("is ill".to_owned());
    for (condition, weight, adjustment, fault) in [
        (Condition::Unknown, 0, 0, false),
        (Condition::Unknown, 10, 0, false),
        (Condition::Unknown, -10, 0, false),
        (Condition::Well, 0, 0, false),
        (Condition::Well, 10, 10, false),
        (Condition::Well, -10, 0, false),
        (not_well(), 0, 0, true),
        (not_well(), 10, 0, false),
        (not_well(), -10, -10, false),
        (Condition::Number(0), 0, 0, false),
        (Condition::Number(0), 10, 0, false),
        (Condition::Number(3), 0, 0, true),
        (Condition::Number(-1), 0, 0, true),
        (Condition::Number(3), 10, 30, false),
        (Condition::Number(3), -10, -30, false),
        (Condition::Number(-3), -10, 30, false),
        (Condition::Number(i64::MAX), 253, 253, false),
        (Condition::Number(i64::MIN), 253, -253, false),
    ] {
        let track = Track {
            what: file(),
            weight: NonZeroI16::new(weight),
        };
        let expected = (adjustment, fault);
        assert_eq!(
            effect(&track, &condition),
            expected,
            "{condition:?} {weight}"
        );
    }
}

#[test]
fn a_fault_names_the_thing_and_its_last_words() {
    for (what, seen, sentence) in [
        (
            script(),
            not_well("exited with 1: no answer"),
            "script /etc/lvx/check fast exited with 1: no answer",
        ),
        (file(), Seen::Number(3), "file /run/weight has 3 in it"),
        (
            file(),
            not_well("cannot be read: permission denied"),
            "file /run/weight cannot be read: permission denied",
        ),
        (
            process(),
            not_well("does not run"),
            "process nginx does not run",
        ),
        (
            route(),
            not_well("is not in the kernel's main table"),
            "route 198.51.100.0/24 is not in the kernel's main table",
        ),
    ] {
        let mut bench = Bench::new(&[(what.clone(), 0)]);
        assert_eq!(bench.standing(), (None, 0), "not looked at yet");
        assert!(bench.see(what.clone(), seen.clone()));
        assert!(!bench.see(what.clone(), seen), "no news");
        assert_eq!(bench.standing(), (Some(sentence.to_owned()), 0));
        let good = if what == file() {
            Seen::Number(0)
        } else {
            Seen::Well
        };
        assert!(bench.see(what, good));
        assert_eq!(bench.standing(), (None, 0));
    }
}

#[test]
fn interfaces_need_a_carrier() {
    let mut bench = Bench::new(&[(interface("eth0"), 0), (interface("eth1"), -20)]);
    assert_eq!(bench.standing(), (None, -20), "there is no eth1");
    bench
        .control
        .set_links(vec![link("eth0", true), link("eth1", true)]);
    assert_eq!(bench.standing(), (None, 0));
    bench
        .control
        .set_links(vec![link("eth0", false), link("eth1", true)]);
    let fault = "interface eth0 is down or has no carrier".to_owned();
    assert_eq!(bench.standing(), (Some(fault), 0));
    bench.control.set_links(vec![link("eth1", true)]);
    assert_eq!(
        bench.standing().0.as_deref(),
        Some("interface eth0 does not exist")
    );
}

#[test]
fn weights_are_summed_and_the_priority_stays_within_its_range() {
    let tracks = |weights: [i16; 3]| {
        let [one, two, three] = weights;
        [(script(), one), (process(), two), (route(), three)]
    };
    for (configured, weights, well, priority) in [
        (100, [-20, -30, 10], [false, false, false], 50),
        (100, [-20, -30, 10], [true, false, true], 80),
        (100, [-20, -30, 10], [true, true, true], 110),
        (100, [20, 30, 10], [true, true, true], 160),
        (100, [-100, -100, -100], [false, false, false], 1),
        (100, [-253, -253, -253], [false, false, false], 1),
        (100, [253, 253, 253], [true, true, true], 254),
        (254, [-253, 253, 0], [false, true, true], 254),
        (255, [-253, -253, 0], [false, false, true], 255),
    ] {
        let mut bench = Bench::with_priority(configured, &tracks(weights));
        for (what, well) in [script(), process(), route()].into_iter().zip(well) {
            bench.see(what, if well { Seen::Well } else { not_well("is ill") });
        }
        assert_eq!(
            bench.priority(),
            priority,
            "{configured} {weights:?} {well:?}"
        );
        assert_eq!(bench.standing().0, None);
    }
}

#[test]
fn services_are_judged_by_their_healthy_servers() {
    let mut bench = Bench::new(&[(service(1), 0), (service(2), -50)]);
    assert_eq!(bench.standing(), (None, 0), "no verdict yet");
    bench.verdict(21, true);
    assert_eq!(bench.standing(), (None, 0), "the second one may be well");
    bench.verdict(22, false);
    assert_eq!(bench.standing(), (None, -50));
    bench.verdict(21, false);
    let fault = "service web has 0 healthy real servers, and 1 are wanted".to_owned();
    assert_eq!(bench.standing(), (Some(fault), -50));
    bench.verdict(22, true);
    assert_eq!(bench.standing(), (None, -50));
    bench.verdict(21, true);
    assert_eq!(bench.standing(), (None, 0));
    // A drain is an order, not an illness.
    let server = IpAddr::from([192, 0, 2, 21]);
    let drained = bench.control.drain("web", server, None, bench.start);
    assert!(drained.is_ok());
    assert_eq!(bench.standing(), (None, 0));
}

#[test]
fn an_instance_waits_for_what_it_tracks_but_not_for_ever() {
    let mut bench = Bench::new(&[(script(), -20), (file(), 0)]);
    bench.verdict(21, true);
    bench.verdict(22, true);
    bench.control.planes_mut().xdp = crate::control::plane::XdpState::Attached;
    let start = bench.start;
    assert!(bench.control.take_ready(start).is_empty());
    bench.see(script(), not_well("exited with 1"));
    assert!(bench.control.take_ready(start).is_empty());
    let mut patient = Bench {
        control: bench.control.clone(),
        start,
    };
    bench.see(file(), Seen::Number(0));
    assert_eq!(bench.control.take_ready(start), ["VI"]);
    let limit = super::super::READY_LIMIT;
    assert!(patient.control.take_ready(start + limit / 2).is_empty());
    assert_eq!(patient.control.take_ready(start + limit), ["VI"]);
}

#[test]
fn a_reload_keeps_what_is_known_of_things_that_stay() {
    let mut bench = Bench::new(&[(script(), -20), (process(), 0)]);
    bench.see(script(), not_well("exited with 1"));
    bench.see(process(), not_well("does not run"));
    let config = Bench::config(100, &[(script(), -30), (route(), 0)]);
    bench.control.configure(config, bench.start);
    assert_eq!(bench.standing(), (None, -30));
    assert!(
        !bench.see(process(), not_well("does not run")),
        "nobody asks"
    );
    let config = Bench::config(100, &[(process(), 0)]);
    bench.control.configure(config, bench.start);
    assert_eq!(bench.standing(), (None, 0), "forgotten");
}
