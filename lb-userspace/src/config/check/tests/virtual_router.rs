//! Correct instances and groups, and what their keys mean.

use std::net::IpAddr;
use std::num::{NonZeroI16, NonZeroU8, NonZeroU16};
use std::path::PathBuf;
use std::time::Duration;

use super::values::read;
use super::*;
use crate::config::*;

fn instance(snippet: &str) -> Instance {
    read(&overlay(INSTANCE, snippet)).vrrp.remove(0)
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn script(program: &str, arguments: &[&str], user: &str, timeout: Duration) -> Script {
    Script {
        program: PathBuf::from(program),
        arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
        user: user.to_owned(),
        timeout,
    }
}

#[test]
fn priority_with_tracking_stays_within_bounds() {
    let priority = |configured: u8, adjustment| {
        let instance = instance(&format!("priority = {configured}"));
        instance.adjusted_priority(adjustment).get()
    };
    assert_eq!(priority(100, 0), 100);
    assert_eq!(priority(100, -30), 70);
    assert_eq!(priority(100, 30), 130);
    assert_eq!(priority(100, i16::MIN), 1);
    assert_eq!(priority(100, i16::MAX), 254);
    assert_eq!(priority(254, 1), 254);
    assert_eq!(priority(255, -100), 255);
}

#[test]
fn ipv6_addresses() {
    let v6 = instance(r#"addresses = ["fe80::10", "2001:db8::10/64"]"#);
    let shown: Vec<_> = v6.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["fe80::10/128", "2001:db8::10/64"], "in their order");
    assert!(v6.is_ipv6() && v6.version == Version::V3);
}

#[test]
fn when_it_becomes_master() {
    let preempt = |snippet| instance(snippet).preempt;
    assert_eq!(preempt("preempt = true"), Preempt::Always);
    assert_eq!(preempt("preempt_delay = \"0s\""), Preempt::Always);
    assert_eq!(
        preempt("preempt = true\npreempt_delay = \"1000s\""),
        Preempt::After(seconds(1000))
    );
    assert_eq!(
        preempt("preempt_delay = \"10ms\""),
        Preempt::After(Duration::from_millis(10))
    );
    let owner = instance("priority = 255\npreempt_delay = \"0s\"\naccept = true");
    assert_eq!((owner.preempt, owner.accept), (Preempt::Always, true));
    let late = instance("startup_delay = \"10s\"\naccept = false");
    assert_eq!((late.startup_delay, late.accept), (seconds(10), false));
}

#[test]
fn virtual_macs() {
    let device = |snippet| instance(snippet).device().to_owned();
    assert_eq!(device(""), "eth0");
    assert_eq!(device("virtual_mac = false"), "eth0");
    assert_eq!(device("virtual_mac = true"), "vrrp.51");
    assert_eq!(device("virtual_mac = \"vip0\""), "vip0");
    let v6 = "addresses = [\"2001:db8::10\"]\nvirtual_mac = true\nvirtual_router_id = 255";
    assert_eq!(device(v6), "vrrp6.255");
}

#[test]
fn unicast() {
    let plain = instance(r#"unicast = { peers = ["192.0.2.2", "192.0.2.3"] }"#);
    let expected = Unicast {
        source: None,
        peers: vec![ip("192.0.2.2"), ip("192.0.2.3")],
        ttl: NonZeroU8::MAX,
        accepted_ttl: 255..=255,
    };
    assert_eq!(plain.unicast, Some(expected));
    let v6 = instance(
        r#"addresses = ["2001:db8::10"]
unicast = { source = "fe80::1", peers = ["fe80::2"], ttl = 64, min_ttl = 60, max_ttl = 64 }"#,
    );
    let expected = Unicast {
        source: Some(ip("fe80::1")),
        peers: vec![ip("fe80::2")],
        ttl: NonZeroU8::new(64).expect("not 0"),
        accepted_ttl: 60..=64,
    };
    assert_eq!(v6.unicast, Some(expected));
    let exact = instance(r#"unicast = { peers = ["192.0.2.2"], max_ttl = 254 }"#);
    assert_eq!(exact.unicast.map(|u| u.accepted_ttl), Some(254..=254));
    // Version 2 has passwords, by unicast as well. The owner has its address without VRRP.
    let v2 = instance(
        r#"version = 2
priority = 255
auth = { type = "pass", password = "1111" }
unicast = { source = "192.0.2.10", peers = ["192.0.2.2"] }"#,
    );
    assert_eq!(
        v2.unicast.and_then(|u| u.source),
        Some(ip("192.0.2.10")),
        "an owner's"
    );
}

#[test]
fn announcements() {
    let garp = |snippet| instance(snippet).garp;
    let given = garp(
        r#"garp = { count = 3, interval = "2s", delay = "4s", refresh = "5m", lower_priority = 0 }"#,
    );
    let expected = Garp {
        count: 3,
        interval: seconds(2),
        delay: Some(seconds(4)),
        refresh: Some(seconds(300)),
        lower_priority: 0,
    };
    assert_eq!(given, expected);
    assert_eq!(garp(r#"garp = { delay = "off" }"#), Garp::default());
}

#[test]
fn tracks() {
    let text = r#"
[global]
script_user = "lvx"
[[vrrp]]
name = "VI_1"
interface = "eth0"
virtual_router_id = 51
addresses = ["192.0.2.10"]
track = [
  { interface = "eth0" },
  { interface = "eth1", weight = 253 },
  { script = ["/usr/local/bin/check", "a b"], weight = -20 },
  { script = ["/bin/true"], interval = "5s", timeout = "500ms", rise = 2, fall = 3, user = "root" },
  { file = "/run/x", weight = -253 },
  { process = "nginx" },
  { process = "haproxy", at_least = 2 },
  { route = "198.51.100.0/24" },
  { route = "::/0" },
  { service = "web" },
]
[[service]]
name = "web"
address = "192.0.2.10:80"
check = { type = "tcp" }
real_server = [{ address = "192.0.2.21" }]
"#;
    let process = |name: &str, at_least| Tracked::Process {
        name: name.to_owned(),
        at_least: NonZeroU16::new(at_least).expect("not 0"),
    };
    let route = |network, prefix_len| Tracked::Route {
        network: ip(network),
        prefix_len,
    };
    let first = TrackedScript {
        script: script("/usr/local/bin/check", &["a b"], "lvx", seconds(1)),
        interval: seconds(1),
        rise: 1,
        fall: 1,
    };
    let second = TrackedScript {
        script: script("/bin/true", &[], "root", Duration::from_millis(500)),
        interval: seconds(5),
        rise: 2,
        fall: 3,
    };
    let service = Tracked::Service {
        name: "web".to_owned(),
        min_healthy: 1,
    };
    let expected = [
        (Tracked::Interface("eth0".to_owned()), 0),
        (Tracked::Interface("eth1".to_owned()), 253),
        (Tracked::Script(first), -20),
        (Tracked::Script(second), 0),
        (Tracked::File(PathBuf::from("/run/x")), -253),
        (process("nginx", 1), 0),
        (process("haproxy", 2), 0),
        (route("198.51.100.0", 24), 0),
        (route("::", 0), 0),
        (service, 0),
    ];
    let expected = expected.map(|(what, weight)| Track {
        what,
        weight: NonZeroI16::new(weight),
    });
    assert_eq!(read(text).vrrp[0].track, expected);
    let alone = instance(r#"track = { interface = "eth1" }"#);
    assert_eq!(alone.track.len(), 1, "a table without its array");
    let none = instance("track = []");
    assert_eq!(none.track, []);
}

#[test]
fn notify_scripts() {
    let notify = |snippet| instance(snippet).notify;
    assert_eq!(
        notify(r#"notify = ["/etc/lvx/notify.sh", "a b"]"#),
        Some(script(
            "/etc/lvx/notify.sh",
            &["a b"],
            "nobody",
            seconds(10)
        ))
    );
    assert_eq!(
        notify("[vrrp.notify]\ncommand = [\"/bin/x\"]\nuser = \"ops\"\ntimeout = \"5m\""),
        Some(script("/bin/x", &[], "ops", seconds(300)))
    );
}

#[test]
fn sync_groups() {
    let second = INSTANCE
        .replace("VI_1", "VI_2")
        .replace("192.0.2.10/24", "2001:db8::10/64");
    let group = "[[sync_group]]\nname = \"G1\"\ninstances = [\"VI_2\", \"VI_1\"]\n\
                 notify = { command = [\"/bin/x\"], user = \"ops\" }\n";
    let config = read(&format!("{INSTANCE}{second}{group}"));
    let expected = SyncGroup {
        name: "G1".to_owned(),
        instances: vec!["VI_2".to_owned(), "VI_1".to_owned()],
        notify: Some(script("/bin/x", &[], "ops", seconds(10))),
    };
    assert_eq!(config.sync_groups, [expected]);
}

#[test]
fn globals() {
    let text = "[global]\nscript_user = \"lvx\"\nnotify_fifo = \"/run/lvx/notify.fifo\"\n\
                realtime = { priority = \"off\", lock_memory = false }\n";
    let global = read(text).global;
    assert_eq!(global.script_user, "lvx");
    assert_eq!(
        global.notify_fifo,
        Some(PathBuf::from("/run/lvx/notify.fifo"))
    );
    let expected = Realtime {
        priority: None,
        lock_memory: false,
    };
    assert_eq!(global.realtime, expected);
    let global = read("[global]\nrealtime = { priority = 99 }").global;
    let expected = Realtime {
        priority: NonZeroU8::new(99),
        lock_memory: true,
    };
    assert_eq!(global.realtime, expected);
}
