use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::dataplane::ipvs::state::DIRECT_ROUTING;
use crate::dataplane::ipvs::table::{Destination, Persistence, ServiceFlags};

const KEY: ServiceKey = ServiceKey::Address {
    address: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10)),
    port: 80,
    protocol: 6,
};

fn target(n: u8) -> Target {
    Target {
        address: [10, 0, 0, n].into(),
        port: 80,
    }
}

fn settings(weight: u32) -> Settings {
    Settings {
        method: DIRECT_ROUTING,
        weight,
        upper_threshold: 0,
        lower_threshold: 0,
    }
}

fn service(scheduler: &str, servers: &[(u8, u16)]) -> Service {
    let destination = |&(n, weight): &(u8, u16)| {
        let destination = Destination {
            weight,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        (target(n).address, destination)
    };
    Service {
        scheduler: scheduler.to_owned(),
        flags: ServiceFlags::default(),
        persistence: None,
        destinations: servers.iter().map(destination).collect(),
    }
}

fn changes(found: &Kernel, wanted: &Service) -> Vec<Change> {
    let operations = operations(KEY, Some(&found.found()), Some(wanted));
    operations
        .into_iter()
        .map(|operation| operation.change)
        .collect()
}

/// The kernel's list, and what it does to it (net/netfilter/ipvs/ip_vs_ctl.c).
#[derive(Debug, Clone)]
struct Kernel {
    options: Options,
    ours: bool,
    /// With the weight that `mh` goes by.
    list: Vec<(Target, Settings, u32)>,
}

impl Kernel {
    fn new(service: &Service) -> Self {
        Self {
            options: Options::of(&KEY, service),
            ours: true,
            list: Vec::new(),
        }
    }

    fn with(service: &Service) -> Self {
        let mut kernel = None;
        for operation in operations(KEY, None, Some(service)) {
            run(&mut kernel, &operation.change);
        }
        kernel.unwrap()
    }

    fn found(&self) -> Found {
        let list = self.list.iter();
        Found {
            options: self.options.clone(),
            destinations: list
                .map(|&(target, settings, _)| (target, settings))
                .collect(),
            ours: self.ours,
        }
    }

    fn position(&self, target: Target) -> usize {
        self.list
            .iter()
            .position(|&(listed, ..)| listed == target)
            .unwrap()
    }
}

/// Panics where the kernel would refuse.
fn run(kernel: &mut Option<Kernel>, change: &Change) {
    match (kernel.as_mut(), change) {
        (None, Change::AddService(options)) => {
            *kernel = Some(Kernel {
                options: options.clone(),
                ours: true,
                list: Vec::new(),
            });
        }
        (Some(_), Change::RemoveService) => *kernel = None,
        (Some(kernel), Change::EditService(options)) => kernel.options = options.clone(),
        (Some(kernel), Change::AddDestination(target, settings)) => {
            assert!(kernel.list.iter().all(|(listed, ..)| listed != target));
            kernel.list.insert(0, (*target, *settings, settings.weight));
        }
        (Some(kernel), Change::EditDestination(target, settings)) => {
            let at = kernel.position(*target);
            let (_, now, last_weight) = &mut kernel.list[at];
            *now = *settings;
            if settings.weight != 0 {
                *last_weight = settings.weight;
            }
        }
        (Some(kernel), Change::RemoveDestination(target)) => {
            let at = kernel.position(*target);
            kernel.list.remove(at);
        }
        (now, change) => panic!("{change:?} on {now:?}"),
    }
}

#[test]
fn new_destinations_are_added_from_the_lowest_up() {
    let wanted = service("mh", &[(3, 1), (1, 2), (2, 3)]);
    let all = operations(KEY, None, Some(&wanted));
    let all: Vec<Change> = all.into_iter().map(|operation| operation.change).collect();
    let expected = [
        Change::AddService(Options::of(&KEY, &wanted)),
        Change::AddDestination(target(1), settings(2)),
        Change::AddDestination(target(2), settings(3)),
        Change::AddDestination(target(3), settings(1)),
    ];
    assert_eq!(all, expected);
}

#[test]
fn those_above_a_new_one_are_taken_out_and_added_again() {
    let kernel = Kernel::with(&service("mh", &[(1, 1), (5, 1), (9, 1)]));
    let found = changes(&kernel, &service("mh", &[(1, 1), (5, 1), (7, 1), (9, 1)]));
    let expected = [
        Change::RemoveDestination(target(9)),
        Change::AddDestination(target(7), settings(1)),
        Change::AddDestination(target(9), settings(1)),
    ];
    assert_eq!(found, expected);
    // Without an order there is nothing to take out.
    let kernel = Kernel::with(&service("wrr", &[(1, 1), (9, 1)]));
    let found = changes(&kernel, &service("wrr", &[(1, 1), (7, 1), (9, 1)]));
    assert_eq!(found, [Change::AddDestination(target(7), settings(1))]);
}

#[test]
fn a_removal_or_another_weight_moves_nothing() {
    let kernel = Kernel::with(&service("mh", &[(1, 1), (5, 1), (9, 1)]));
    let found = changes(&kernel, &service("mh", &[(1, 1), (9, 4)]));
    let expected = [
        Change::RemoveDestination(target(5)),
        Change::EditDestination(target(9), settings(4)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn draining_makes_mh_forget_the_weight_before() {
    let before = service("mh", &[(1, 4), (5, 1)]);
    let drained = service("mh", &[(1, 0), (5, 1)]);
    let mut kernel = Some(Kernel::with(&before));
    for change in changes(&Kernel::with(&before), &drained) {
        run(&mut kernel, &change);
    }
    let kernel = kernel.unwrap();
    let weights: Vec<u32> = kernel.list.iter().map(|&(.., last)| last).collect();
    assert_eq!(weights, [1, 0]);
    assert_eq!(changes(&kernel, &drained), []);
    // `wlc` goes by the weight itself.
    let kernel = Kernel::with(&service("wlc", &[(1, 4), (5, 1)]));
    let found = changes(&kernel, &service("wlc", &[(1, 0), (5, 1)]));
    assert_eq!(found, [Change::EditDestination(target(1), settings(0))]);
}

#[test]
fn a_service_is_changed_in_place() {
    let kernel = Kernel::with(&service("rr", &[(1, 1)]));
    let mut wanted = service("mh", &[(1, 1)]);
    wanted.flags.fallback = true;
    wanted.persistence = Some(Persistence {
        timeout: std::time::Duration::from_millis(1500),
        prefix_len: 24,
    });
    let options = Options::of(&KEY, &wanted);
    assert_eq!(options.flags, 0x9);
    assert_eq!((options.timeout, options.mask), (2, 0xffff_ff00));
    assert_eq!(changes(&kernel, &wanted), [Change::EditService(options)]);
    let gone = operations(KEY, Some(&kernel.found()), None);
    assert!(matches!(
        &gone[..],
        [Operation {
            change: Change::RemoveService,
            ..
        }]
    ));
    assert_eq!(operations(KEY, None, None), []);
}

#[test]
fn taking_out_and_back_is_noticed() {
    let operation = |change| Operation {
        service: KEY,
        change,
    };
    let remove = operation(Change::RemoveDestination(target(1)));
    let add = |n| operation(Change::AddDestination(target(n), settings(1)));
    assert!(takes_out_and_back(&[remove.clone(), add(2), add(1)]));
    assert!(!takes_out_and_back(&[remove, add(2)]));
    assert!(!takes_out_and_back(&[add(1)]));
}

fn scheduler() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["mh", "sh", "rr", "wlc"])
}

/// Any list, also one that others made.
fn kernel() -> impl Strategy<Value = Option<Kernel>> {
    let entry = (0..12u8, 80..82u16, 0..4u32, 0..4u32, 0..4u32);
    let list = prop::collection::vec(entry, 0..12);
    let kernel = (scheduler(), list, any::<bool>(), any::<u32>());
    let kernel = kernel.prop_map(|(scheduler, entries, ours, flags)| {
        let mut kernel = Kernel::new(&service(scheduler, &[]));
        for (n, port, method, weight, last) in entries {
            let target = Target { port, ..target(n) };
            let settings = Settings {
                method,
                ..settings(weight)
            };
            let known = ours && scheduler == "mh";
            let last = if weight > 0 || known { weight } else { last };
            if kernel.list.iter().all(|&(listed, ..)| listed != target) {
                kernel.list.push((target, settings, last));
            }
        }
        kernel.ours = ours;
        kernel.options.flags = flags;
        kernel
    });
    prop::option::of(kernel)
}

fn wanted() -> impl Strategy<Value = Option<Service>> {
    let servers = prop::collection::vec((0..12u8, 0..4u16), 0..12);
    let service =
        (scheduler(), servers).prop_map(|(scheduler, servers)| service(scheduler, &servers));
    prop::option::of(service)
}

proptest! {
    #[test]
    fn operations_lead_from_any_state_to_the_wanted_one(before in kernel(), wanted in wanted()) {
        let mut now = before.clone();
        let found = before.as_ref().map(Kernel::found);
        for operation in operations(KEY, found.as_ref(), wanted.as_ref()) {
            run(&mut now, &operation.change);
        }
        let (Some(now), Some(wanted)) = (&now, &wanted) else {
            prop_assert_eq!(now.is_some(), wanted.is_some());
            return Ok(());
        };
        prop_assert!(now.options.serve(&Options::of(&KEY, wanted)));
        let mut list: Vec<(Target, Settings)> = now.found().destinations;
        let canonical: Vec<(Target, Settings)> = destinations(&KEY, wanted).into_iter().rev().collect();
        if wanted.scheduler == "mh" {
            prop_assert!(now.list.iter().all(|(_, settings, last)| settings.weight == *last));
        }
        if !matches!(wanted.scheduler.as_str(), "mh" | "sh") {
            list.sort_by_key(|(target, _)| std::cmp::Reverse(*target));
        }
        prop_assert_eq!(&list, &canonical);
        // And there is nothing left to do.
        let settled = Found { ours: true, ..now.found() };
        prop_assert_eq!(operations(KEY, Some(&settled), Some(wanted)), []);
    }
}
