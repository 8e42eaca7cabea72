//! Answers of DNS servers, over UDP and TCP: `cargo xtask fuzz dns`.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use lb_userspace::config::{self, CheckKind, Dns};
use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

const ID: u16 = 7;

const FILE: &str = r#"
[[vrrp]]
name = "VI"
interface = "eth0"
virtual_router_id = 1
addresses = ["192.0.2.10"]
[[service]]
name = "dns"
address = "192.0.2.10:53"
protocol = "udp"
check = { type = "dns", name = "www.example.com", answer = "192.0.2.1" }
[[service.real_server]]
address = "192.0.2.21"
"#;

static WANTED: LazyLock<Dns> = LazyLock::new(|| {
    let config = config::parse(Path::new("fuzz.toml"), FILE).expect("a good file");
    let check = config.services[0].check.clone().expect("it has a check");
    match &check.probe.kind {
        CheckKind::Dns(dns) => (**dns).clone(),
        other => panic!("a check of DNS, not {other:?}"),
    }
});

fuzz_target!(|data: &[u8]| {
    if let Some(length) = wire::dns_frame(data) {
        assert_eq!(wire::dns_frame(&data[..length]), Some(length));
    }
    let _ = wire::dns(data, &WANTED, ID);
    // And with the id that chance would hardly find.
    let mut ours = data.to_vec();
    if let Some(id) = ours.first_chunk_mut() {
        *id = ID.to_be_bytes();
    }
    let _ = wire::dns(&ours, &WANTED, ID);
});
