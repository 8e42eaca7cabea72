//! All virtual routers that an interface can have.

use std::net::Ipv4Addr;
use std::num::NonZeroU8;

use super::eventually;
use super::lab::{Lab, can_run, instance};
use crate::config::{Instance, InterfaceAddress};

#[test]
fn all_255_virtual_routers_on_one_interface() {
    if !can_run() {
        return;
    }
    let lab = Lab::connected();
    let all = |priority: u8| -> Vec<Instance> {
        let one = |id: NonZeroU8| Instance {
            virtual_router_id: id,
            addresses: vec![InterfaceAddress {
                address: Ipv4Addr::new(198, 51, 100, id.get()).into(),
                prefix_len: 24,
            }],
            ..instance(&format!("VI-{id}"), priority)
        };
        (1..=u8::MAX).filter_map(NonZeroU8::new).map(one).collect()
    };
    let (first, second) = (lab.director(0), lab.director(1));
    first.configure(&all(200));
    second.configure(&all(100));
    for config in all(200) {
        first.start(&config.name);
    }
    eventually(|| {
        let statistics = first.handle.statistics();
        statistics.iter().all(|one| one.sent >= 5)
    });
    for config in all(100) {
        second.start(&config.name);
    }
    // Each is told apart: none is missed, none is another's.
    eventually(|| {
        let statistics = second.handle.statistics();
        statistics.len() == 255 && statistics.iter().all(|one| one.received >= 5)
    });
    for one in second.handle.statistics() {
        assert!(one.errors.iter().all(|(_, count)| *count == 0), "{one:?}");
        assert!(one.warnings.iter().all(|(_, count)| *count == 0), "{one:?}");
        assert_eq!(one.interface_unknown_vrid, 0);
    }
    let late = [first.handle.lateness(), second.handle.lateness()];
    eprintln!("255 virtual routers at 100 ms: latest timer {late:?}");
}
