//! Correct files and what they mean.

use std::net::Ipv4Addr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lb_common::maglev::TableSize;

use super::*;
use crate::config::*;

pub(super) fn read(text: &str) -> Config {
    match parse(Path::new("lvx.toml"), text) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}"),
    }
}

fn instance(snippet: &str) -> Instance {
    read(&overlay(INSTANCE, snippet)).vrrp.remove(0)
}

pub(super) fn service(snippet: &str) -> Service {
    let text = INSTANCE.to_owned() + &overlay(SERVICE, snippet);
    read(&text).services.remove(0)
}

fn milliseconds(n: u64) -> Duration {
    Duration::from_millis(n)
}

#[test]
fn an_empty_file_has_the_defaults() {
    let global = Global {
        router_id: "localhost".to_owned(),
        dataplane: PlaneChoice::Auto,
        runtime_dir: PathBuf::from("/run/lvx"),
        state_dir: PathBuf::from("/var/lib/lvx"),
        bpffs: PathBuf::from("/sys/fs/bpf/lvx"),
        interfaces: Vec::new(),
        table_size: TableSize::DEFAULT,
        sync: None,
        maps: Maps::default(),
        program_log: ProgramLog::Off,
        passive_sample: Some(64),
        realtime: Realtime::default(),
        script_user: "nobody".to_owned(),
        notify_fifo: None,
    };
    let expected = Config {
        global,
        vrrp: Vec::new(),
        sync_groups: Vec::new(),
        services: Vec::new(),
        targets: Vec::new(),
    };
    assert_eq!(read(""), expected);
    assert_eq!(read("[global]\n"), expected);
}

/// The file of DESIGN section 7, without what is commented out there.
#[test]
fn the_example_of_the_design() {
    let text = r#"
[global]
router_id   = "lb1"
dataplane   = "auto"              # auto | xdp | xdp-native | xdp-generic | ipvs
runtime_dir = "/run/lvx"          # lvx.sock, pid
bpffs       = "/sys/fs/bpf/lvx"

[[vrrp]]
name              = "VI_1"
interface         = "eth0"
virtual_router_id = 51
version           = 3              # 2 | 3
priority          = 100
advert_interval   = "1s"
addresses         = ["192.0.2.10/24"]

[[service]]
name      = "web"
address   = "192.0.2.10:80"
protocol  = "tcp"                  # tcp | udp | sctp
vrrp      = "VI_1"                 # optional: found by the address
scheduler = "mh"                   # mh | sh | rr | wrr | lc | wlc
persistence = { timeout = "1h", granularity = 32 }   # optional; IPv6: prefix length
check     = { type = "tcp", interval = "2s", timeout = "1s", rise = 2, fall = 2 }

[[service.real_server]]
address = "192.0.2.21"
weight  = 1
"#;
    let config = read(text);
    assert_eq!(config.global.router_id, "lb1");
    let vrrp = Instance {
        name: "VI_1".to_owned(),
        interface: "eth0".to_owned(),
        virtual_router_id: NonZeroU8::new(51).expect("not 0"),
        version: Version::V3,
        priority: NonZeroU8::new(100).expect("not 0"),
        advert_interval: milliseconds(1000),
        addresses: vec![InterfaceAddress {
            address: Ipv4Addr::new(192, 0, 2, 10).into(),
            prefix_len: 24,
        }],
        checksum: ChecksumForm::Rfc5798,
        auth: Auth::None,
        preempt: Preempt::Always,
        startup_delay: Duration::ZERO,
        accept: true,
        virtual_mac: None,
        unicast: None,
        track: Vec::new(),
        notify: None,
        garp: Garp {
            count: 5,
            interval: milliseconds(1000),
            delay: None,
            refresh: Some(milliseconds(60_000)),
            lower_priority: 5,
        },
    };
    assert_eq!(config.vrrp, [vrrp]);
    let service = Service {
        name: "web".into(),
        address: "192.0.2.10:80".parse().expect("an address"),
        protocol: Protocol::Tcp,
        vrrp: "VI_1".to_owned(),
        scheduler: Scheduler::Mh,
        flags: SchedulerFlags::default(),
        persistence: Some(Persistence {
            timeout: milliseconds(3_600_000),
            granularity: 32,
        }),
        timeouts: Timeouts::TCP,
        affinity: Affinity::None,
        drain_deadline: None,
        policy: Policy::default(),
        check: Some(Arc::new(Check {
            probe: Probe {
                kind: CheckKind::Tcp { reset: false },
                port: 80,
                connect_address: None,
                connect_port: None,
                origin: Origin::default(),
                via: Via::Both("192.0.2.10".parse().expect("an address")),
            },
            interval: milliseconds(2000),
            timeout: milliseconds(1000),
            rise: 2,
            fall: 2,
            jitter: 10,
            passive: false,
            when: When::Always,
        })),
        real_servers: vec![RealServer {
            address: "192.0.2.21".parse().expect("an address"),
            weight: 1,
            manner: Manner::default(),
            check: None,
        }],
    };
    assert_eq!(config.services, [service]);
}

#[test]
fn instances_without_their_defaults() {
    let vrrp = instance("advert_interval = \"40.95s\"\nchecksum = \"rfc9568\"\npreempt = false");
    assert_eq!(vrrp.advert_interval, milliseconds(40_950));
    assert_eq!(vrrp.checksum, ChecksumForm::Rfc9568);
    assert_eq!(vrrp.preempt, Preempt::Never);
    let vrrp = instance("version = 2\nadvert_interval = \"255s\"");
    assert_eq!(vrrp.version, Version::V2);
    assert_eq!(vrrp.advert_interval, milliseconds(255_000));
    let vrrp = instance("garp = { count = 1, interval = \"10ms\", refresh = \"off\" }");
    let expected = Garp {
        count: 1,
        interval: milliseconds(10),
        refresh: None,
        ..Garp::default()
    };
    assert_eq!(vrrp.garp, expected);
    let vrrp = instance("addresses = [\"192.0.2.10\", \"192.0.2.11/1\"]");
    let lengths: Vec<_> = vrrp.addresses.iter().map(|a| a.prefix_len).collect();
    assert_eq!(lengths, [32, 1]);
}

#[test]
fn a_password_is_padded_and_never_shown() {
    let vrrp = instance("version = 2\nauth = { type = \"pass\", password = \"s3cret\" }");
    assert_eq!(vrrp.auth, Auth::Pass(*b"s3cret\0\0"));
    let shown = format!("{vrrp:?}");
    assert!(
        shown.contains("Pass(..)") && !shown.contains("115"),
        "{shown}"
    );
    assert_eq!(instance("auth = { type = \"none\" }").auth, Auth::None);
}

#[test]
fn services_without_their_defaults() {
    let plain = service("");
    assert_eq!(plain.vrrp, "VI_1");
    assert_eq!(
        (plain.check, plain.real_servers.len()),
        (None, 0),
        "neither is needed"
    );
    let udp = service("protocol = \"udp\"\ncheck = { type = \"tcp\", interval = \"100ms\" }");
    let check = udp.check.expect("a check");
    assert_eq!(check.timeout, milliseconds(100), "no longer than interval");
    let servers = service(
        "[[service.real_server]]\naddress = \"192.0.2.21:80\"\nweight = 0\n\
         [[service.real_server]]\naddress = \"192.0.2.22\"\nweight = 65535\n",
    );
    let weights: Vec<_> = servers.real_servers.iter().map(|s| s.weight).collect();
    assert_eq!(weights, [0, 65_535]);
}

#[test]
fn every_example_parses() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for entry in fs::read_dir(directory).expect("examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "toml") {
            let config = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
            assert!(!config.services.is_empty(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen} examples");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = Path::new("/nowhere/lvx.toml");
    let errors = load(path).expect_err("no such file");
    let expected = "/nowhere/lvx.toml: error: cannot read the file: ";
    assert!(errors.to_string().starts_with(expected), "{errors}");
}

#[test]
fn a_file_that_is_not_text_is_an_error_with_its_place() {
    let name = format!("lvx-config-{}.toml", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, b"[global]\n# \xff\n").expect("written");
    let errors = load(&path).expect_err("not UTF-8");
    fs::remove_file(&path).expect("removed");
    let places: Vec<_> = errors.iter().map(|d| (d.line, d.column)).collect();
    assert_eq!(places, [(2, 3)], "{errors}");
}

#[test]
fn the_host_name_is_the_default_router_id() {
    let config = parse_on("lb7", Path::new("lvx.toml"), "").expect("no errors");
    assert_eq!(config.global.router_id, "lb7");
}
