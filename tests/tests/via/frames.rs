//! Single frames through the program that sees what comes in: what it makes of answers.

use std::net::IpAddr;

use aya::maps::HashMap;
use aya::programs::{SchedClassifier, TestRunOptions};
use aya::{Ebpf, EbpfLoader, Pod, TestRun};
use etherparse::PacketBuilder;
use lb_common::probe::{Address, Answer, Asked, Talk, asked_for, mac_number};
use lb_tests::harness::skip;
use lb_tests::netns::is_root;
use lb_userspace::dataplane::table::address_bytes;
use lb_userspace::object::probe_object;

const OWN_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 21];
const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 22];
/// Another interface of a server.
const SECOND_MAC: [u8; 6] = [2, 0, 0, 0, 1, 21];
const TCP: u8 = 6;
const UDP: u8 = 17;
const LOCAL_PORT: u16 = 40_000;
const PORT: u16 = 80;
/// `TC_ACT_UNSPEC` and `TC_ACT_SHOT` of linux/pkt_cls.h.
const GOES_ON: u32 = u32::MAX;
const DROPPED: u32 = 2;

/// A key or value as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy)]
struct Plain<T: Copy + 'static>(T);

// SAFETY: lb-common's layouts are repr(C) and have no implicit padding; integers have none.
unsafe impl<T: Copy + 'static> Pod for Plain<T> {}

struct Hosts {
    director: IpAddr,
    server: IpAddr,
    vip: IpAddr,
}

impl Hosts {
    fn of(texts: [&str; 3]) -> Self {
        let [director, server, vip] = texts.map(|text| text.parse().expect("an address"));
        Self {
            director,
            server,
            vip,
        }
    }
}

fn address(address: IpAddr) -> Address {
    Address {
        bytes: address_bytes(address),
    }
}

/// A frame to the director's socket.
fn frame(mac: [u8; 6], from: IpAddr, to: IpAddr, protocol: u8) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(mac, OWN_MAC);
    let builder = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => builder.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => builder.ipv6(from.octets(), to.octets(), 64),
        _ => panic!("{from} and {to}"),
    };
    let mut frame = Vec::new();
    let written = match protocol {
        TCP => builder
            .tcp(PORT, LOCAL_PORT, 7, 512)
            .write(&mut frame, b"data"),
        _ => builder.udp(PORT, LOCAL_PORT).write(&mut frame, b"data"),
    };
    written.expect("a frame");
    frame
}

fn insert<K: Copy + 'static, V: Copy + 'static>(ebpf: &mut Ebpf, map: &str, key: K, value: V) {
    let map = ebpf.map_mut(map).expect("a map");
    let mut map = HashMap::<_, Plain<K>, Plain<V>>::try_from(map).expect("a hash map");
    map.insert(Plain(key), Plain(value), 0).expect("room");
}

/// What the program that sees what goes out has noted of probes to the server, and to the other
/// one, by each protocol.
fn note(ebpf: &mut Ebpf, hosts: &Hosts) {
    let (local, server) = (address(hosts.director), address(hosts.server));
    insert(ebpf, "asked_for", address(hosts.vip), asked_for::VIRTUAL);
    insert(ebpf, "asked_for", server, asked_for::OWN);
    for mac in [SERVER_MAC, OTHER_MAC] {
        insert(ebpf, "servers", mac_number(mac), 1_u32);
    }
    for protocol in [TCP, UDP] {
        for mac in [mac_number(SERVER_MAC), 0] {
            let answer = Answer {
                local,
                virtual_address: address(hosts.vip),
                mac,
                local_port: LOCAL_PORT,
                port: PORT,
                protocol,
                reserved: [0; 3],
            };
            insert(ebpf, "answers", answer, server);
        }
        let talk = Talk {
            local,
            server,
            local_port: LOCAL_PORT,
            port: PORT,
            protocol,
            reserved: [0; 3],
        };
        let asked = Asked {
            at: just_now(),
            address: address(hosts.vip),
        };
        insert(ebpf, "talks", talk, asked);
    }
}

/// The program's time, to the second.
fn just_now() -> u64 {
    let uptime = std::fs::read_to_string("/proc/uptime").expect("the time since the start");
    let seconds = uptime.split('.').next().and_then(|text| text.parse().ok());
    seconds.map_or(0, |seconds: u64| seconds * 1_000_000_000)
}

fn run(ebpf: &mut Ebpf, frame: &[u8]) -> (u32, Vec<u8>) {
    let program = ebpf.program_mut("lvx_probe_in").expect("the program");
    let program: &mut SchedClassifier = program.try_into().expect("a classifier");
    let mut out = vec![0; frame.len()];
    let options = TestRunOptions {
        data_in: Some(frame),
        data_out: Some(&mut out),
        repeat: 1,
        ..TestRunOptions::default()
    };
    let result = program.test_run(options).expect("a test run");
    (result.return_value, out)
}

#[test]
fn answers_get_the_servers_own_address() {
    if !is_root() {
        return skip("loading programs needs root");
    }
    let Some(object) = probe_object() else {
        return skip("built without the programs of checks");
    };
    let mut ebpf = EbpfLoader::new().load(object).expect("the object");
    let program = ebpf.program_mut("lvx_probe_in").expect("the program");
    let program: &mut SchedClassifier = program.try_into().expect("a classifier");
    program.load().expect("the kernel takes it");
    for hosts in [
        Hosts::of(["192.0.2.1", "192.0.2.21", "192.0.2.10"]),
        Hosts::of(["2001:db8::1", "2001:db8::21", "2001:db8::10"]),
    ] {
        note(&mut ebpf, &hosts);
        let Hosts {
            director,
            server,
            vip,
        } = hosts;
        for protocol in [TCP, UDP] {
            let built = |mac, from| frame(mac, from, director, protocol);
            // Words, what comes in, what becomes of it, and who sent it for the stack.
            let drops = if protocol == UDP { DROPPED } else { GOES_ON };
            for (words, mac, from, fate, sender) in [
                ("an answer", SERVER_MAC, vip, GOES_ON, server),
                ("from its other interface", SECOND_MAC, vip, GOES_ON, server),
                ("of another server", OTHER_MAC, vip, GOES_ON, vip),
                (
                    "of nobody's concern",
                    SERVER_MAC,
                    director,
                    GOES_ON,
                    director,
                ),
                ("from its own address", SERVER_MAC, server, drops, server),
            ] {
                let (fated, out) = run(&mut ebpf, &built(mac, from));
                let words = format!("{words}: {from} by {protocol}");
                assert_eq!(fated, fate, "{words}");
                assert_eq!(out, built(mac, sender), "{words}");
            }
        }
    }
    // A datagram without a checksum stays one.
    let hosts = Hosts::of(["192.0.2.1", "192.0.2.21", "192.0.2.10"]);
    const CHECKSUM: std::ops::Range<usize> = 40..42;
    let mut bare = frame(SERVER_MAC, hosts.vip, hosts.director, UDP);
    bare[CHECKSUM].fill(0);
    let mut expected = frame(SERVER_MAC, hosts.server, hosts.director, UDP);
    expected[CHECKSUM].fill(0);
    assert_eq!(run(&mut ebpf, &bare), (GOES_ON, expected));
    // A piece has no ports to go by.
    let mut piece = frame(SERVER_MAC, hosts.vip, hosts.director, UDP);
    piece[20] |= 0x20;
    assert_eq!(run(&mut ebpf, &piece), (GOES_ON, piece.clone()));
}
