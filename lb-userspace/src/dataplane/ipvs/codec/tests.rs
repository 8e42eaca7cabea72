use std::net::IpAddr;

use proptest::prelude::*;

use super::destination::{self, DestinationEntry};
use super::service::{self, ServiceEntry};
use super::statistics::Traffic;
use super::*;
use crate::dataplane::ipvs::state::{DIRECT_ROUTING, Options, Settings, Target};
use crate::dataplane::ipvs::sync::{SyncDaemon, SyncRole};
use crate::dataplane::ipvs::table::{Service, ServiceFlags};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn web() -> ServiceKey {
    ServiceKey::Address {
        address: [192, 0, 2, 10].into(),
        port: 80,
        protocol: 6,
    }
}

fn options() -> Options {
    let service = Service {
        scheduler: "mh".to_owned(),
        flags: ServiceFlags {
            port: true,
            ..ServiceFlags::default()
        },
        persistence: None,
        destinations: std::collections::BTreeMap::new(),
    };
    Options::of(&web(), &service)
}

/// As Linux 6.1 took it. The machine's byte order is part of it.
#[cfg(target_endian = "little")]
#[test]
fn new_service_on_the_wire() {
    let add = Operation {
        service: web(),
        change: Change::AddService(options()),
    };
    let expected = "54000180 0600010002000000 0600020006000000
        14000300c000020a000000000000000000000000 0600040000500000 070006006d680000
        0c00070010000000ffffffff 0800080000000000 08000900ffffffff";
    let message = operation(&add);
    assert_eq!(message.command, NEW_SERVICE);
    assert_eq!(message.attributes, bytes(expected));
}

/// As Linux 6.1 took it.
#[cfg(target_endian = "little")]
#[test]
fn new_destination_on_the_wire() {
    let target = Target {
        address: [10, 9, 0, 2].into(),
        port: 80,
    };
    let settings = Settings {
        method: DIRECT_ROUTING,
        weight: 2,
        upper_threshold: 0,
        lower_threshold: 0,
    };
    let add = Operation {
        service: web(),
        change: Change::AddDestination(target, settings),
    };
    let expected = "30000180 0600010002000000 0600020006000000
        14000300c000020a000000000000000000000000 0600040000500000
        48000280 140001000a090002000000000000000000000000 0600020000500000 06000b0002000000
        0800030003000000 0800040002000000 0800050000000000 0800060000000000";
    let message = operation(&add);
    assert_eq!(message.command, NEW_DEST);
    assert_eq!(message.attributes, bytes(expected));
}

/// As Linux 6.1 sent it, all statistics 0 but two.
#[cfg(target_endian = "little")]
#[test]
fn service_from_the_kernel() {
    let sent = "54010100 060001000a000000 0600020006000000
        1400030020010db8000000000000000000000010 0600040000500000 070006006d680000
        0c00070002000000ffffffff 0800080000000000 0800090080000000
        60000a00 0800010000000000 0800020000000000 0800030000000000
        0c000400000000000000000004000b00 0c0005000000000000000000 0800060000000000
        0800070000000000 0800080000000000 0800090000000000 08000a0000000000
        a0000c00 0c000100070000000000000004000b00 0c000200000000000100000004000b00
        0c000300000000000000000004000b00 0c000400000000000000000004000b00
        0c000500000000000000000004000b00 0c000600000000000000000004000b00
        0c000700000000000000000004000b00 0c000800000000000000000004000b00
        0c000900000000000000000004000b00 0c000a000000000000000000";
    let message = Message {
        command: NEW_SERVICE,
        attributes: bytes(sent),
    };
    let entry = read_service(&message).unwrap();
    let address = "2001:db8::10".parse().unwrap();
    let key = ServiceKey::Address {
        address,
        port: 80,
        protocol: 6,
    };
    assert_eq!(entry.key, key);
    assert_eq!(entry.options.scheduler, "mh");
    assert_eq!((entry.options.flags, entry.options.mask), (2, 128));
    let traffic = Traffic {
        connections: 7,
        packets: 1 << 32,
        bytes: 0,
    };
    assert_eq!(entry.traffic, traffic);
}

/// As Linux 6.1 sent it, the statistics left out.
#[cfg(target_endian = "little")]
#[test]
fn destination_from_the_kernel() {
    let sent = "78000200 140001000a090002000000000000000000000000 0600020000500000
        0800030003000000 0800040002000000 05000d0000000000 06000e0000000000 06000f0000000000
        0800050000000000 0800060000000000 0800070001000000 0800080002000000 0800090003000000
        06000b0002000000";
    let message = Message {
        command: NEW_DEST,
        attributes: bytes(sent),
    };
    let entry = read_destination(&message, false).unwrap();
    let address = IpAddr::from([10, 9, 0, 2]);
    assert_eq!(entry.target, Target { address, port: 80 });
    assert_eq!((entry.settings.method, entry.settings.weight), (3, 2));
    let connections = (entry.active, entry.inactive, entry.persistent);
    assert_eq!(connections, (1, 2, 3));
}

#[test]
fn what_is_missing_is_named() {
    let daemon = SyncDaemon {
        role: SyncRole::Backup,
        interface: "eth0".to_owned(),
        id: 9,
    };
    let start = new_daemon(&daemon);
    assert_eq!(read_daemon(&start), Ok(daemon));
    let what = "service";
    assert_eq!(read_service(&start), Err(DecodeError::Missing { what }));
    let what = "sync daemon's role";
    let empty = message(NEW_DAEMON, |out| {
        out.nested(DAEMON, |_| {});
    });
    assert_eq!(read_daemon(&empty), Err(DecodeError::Missing { what }));
}

#[test]
fn timeouts_of_0_are_left_out() {
    let timeouts = Timeouts {
        tcp: 900,
        tcp_fin: 0,
        udp: 300,
    };
    let message = set_timeouts(timeouts);
    assert_eq!(message.attributes.len(), 16);
    assert_eq!(read_timeouts(&message), Ok(timeouts));
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn key() -> impl Strategy<Value = ServiceKey> {
    let by_address = (address(), any::<u16>(), any::<u8>());
    let by_mark = (1..u32::MAX, any::<bool>());
    prop_oneof![
        by_address.prop_map(|(address, port, protocol)| ServiceKey::Address {
            address,
            port,
            protocol
        }),
        by_mark.prop_map(|(mark, v6)| ServiceKey::Fwmark { mark, v6 }),
    ]
}

fn traffic() -> impl Strategy<Value = Traffic> {
    any::<(u64, u64, u64)>().prop_map(|(connections, packets, bytes)| Traffic {
        connections,
        packets,
        bytes,
    })
}

proptest! {
    #[test]
    fn services_round_trip(
        key in key(),
        scheduler in "[a-z]{1,15}",
        numbers in any::<(u32, u32, u32)>(),
        engine in proptest::option::of("[a-z]{1,15}"),
        traffic in traffic(),
    ) {
        let (flags, timeout, mask) = numbers;
        let options = Options { scheduler, flags, timeout, mask, engine };
        let entry = ServiceEntry { key, options, traffic };
        prop_assert_eq!(read_service(&service::entry_message(&entry)), Ok(entry));
    }

    #[test]
    fn destinations_round_trip(
        address in address(),
        port in any::<u16>(),
        method in 0u32..8,
        numbers in any::<(u32, u32, u32)>(),
        counts in any::<(u32, u32, u32)>(),
        traffic in traffic(),
    ) {
        let (weight, upper_threshold, lower_threshold) = numbers;
        let (active, inactive, persistent) = counts;
        let entry = DestinationEntry {
            target: Target { address, port },
            settings: Settings { method, weight, upper_threshold, lower_threshold },
            traffic,
            active,
            inactive,
            persistent,
        };
        let message = destination::entry_message(&entry);
        prop_assert_eq!(read_destination(&message, !address.is_ipv6()), Ok(entry));
    }

    #[test]
    fn arbitrary_bytes_never_panic(command: u8, mut attributes: Vec<u8>, cut in 0usize..200) {
        let read_all = |attributes: Vec<u8>| {
            let message = Message { command, attributes };
            let _ = (read_service(&message), read_destination(&message, false));
            let _ = (read_daemon(&message), read_timeouts(&message));
            let _ = (read_info(&message), read_family(&message));
        };
        read_all(attributes.clone());
        // Wrapped, so that the nested readers see them, too; and a good message cut anywhere.
        for kind in [SERVICE, DEST, DAEMON] {
            let nested = message(command, |out| {
                out.bytes(kind, &attributes);
            });
            read_all(nested.attributes);
        }
        let good = Operation { service: web(), change: Change::AddService(options()) };
        let mut good = operation(&good).attributes;
        good.truncate(cut);
        attributes.splice(0..0, good);
        read_all(attributes);
    }
}
