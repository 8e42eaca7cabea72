//! Blocks against each other: names, addresses and devices that must not be twice, and references.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::check::duplicates;
use super::report::{At, Report, Span};
use super::{Global, Service, Tracked, When, notify, service, suggest, sync_group, vrrp};

pub(super) fn instances(report: &mut Report<'_>, drafts: &[vrrp::Draft], global: Option<&Global>) {
    let names = drafts.iter().filter_map(|d| d.name.as_ref());
    duplicates(
        report,
        names.map(|name| (name.value.as_str(), &name.span)),
        |name| format!("two VRRP instances are named {name:?}"),
    );
    let routers = drafts.iter().filter_map(|d| d.router.as_ref());
    duplicates(
        report,
        routers.map(|router| (&router.value, &router.span)),
        |router| {
            let vrrp::Router { interface, id, .. } = router;
            format!("two VRRP instances have virtual router {id} on {interface:?}")
        },
    );
    held_twice(report, drafts);
    devices(report, drafts, global);
}

fn held_twice(report: &mut Report<'_>, drafts: &[vrrp::Draft]) {
    let mut holders = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        for address in &draft.addresses {
            let ip = address.value.address;
            // Each link may have the same link-local address of IPv6.
            let link = draft.interface.as_deref().filter(|_| is_link_local(ip));
            let (holder, first) = *holders.entry((ip, link)).or_insert((i, &address.span));
            // Within one instance this has been said already.
            if holder != i {
                let other = report.other(first);
                report
                    .error(&address.span, format!("two VRRP instances hold {ip}"))
                    .hint(other);
            }
        }
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// The devices with virtual MACs, which lvx makes, against each other and those that are there.
fn devices(report: &mut Report<'_>, drafts: &[vrrp::Draft], global: Option<&Global>) {
    let named = drafts.iter().filter_map(|d| d.interface.as_ref());
    let global = global.iter().flat_map(|global| &global.interfaces);
    let there: BTreeSet<&String> = named.chain(global).collect();
    let mut made = BTreeMap::new();
    for device in drafts.iter().filter_map(|d| d.device.as_ref()) {
        let name = &device.value;
        if there.contains(name) {
            report
                .error(
                    &device.span,
                    format!("the device of `virtual_mac` has the name of an interface: {name:?}"),
                )
                .hint("write a name that no interface has: lvx makes the device");
        } else if let Some(first) = made.insert(name, &device.span) {
            let other = report.other(first);
            report
                .error(
                    &device.span,
                    format!("two VRRP instances have a `virtual_mac` device {name:?}"),
                )
                .hint(format!("name it yourself, `virtual_mac = \"…\"`; {other}"));
        }
    }
}

pub(super) fn groups(report: &mut Report<'_>, drafts: &[sync_group::Draft]) {
    let names = drafts.iter().filter_map(|d| d.name.as_ref());
    duplicates(
        report,
        names.map(|name| (name.value.as_str(), &name.span)),
        |name| format!("two sync groups are named {name:?}"),
    );
    let mut groups = BTreeMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        for member in &draft.instances {
            let name = &member.value;
            let (group, first) = *groups.entry(name).or_insert((i, &member.span));
            // Within one group this has been said already.
            if group != i {
                let other = report.other(first);
                report
                    .error(
                        &member.span,
                        format!("VRRP instance {name:?} is in two sync groups"),
                    )
                    .hint(format!("make one group of both; {other}"));
            }
        }
    }
}

/// What instances track of services.
pub(super) fn tracked_services(
    report: &mut Report<'_>,
    instances: &[vrrp::Draft],
    services: &[service::Draft],
) {
    let certain = services.iter().all(|d| d.name.is_some());
    let names = || {
        let names = services.iter().filter_map(|d| d.name.as_ref());
        names.map(|name| name.value.as_str())
    };
    for track in instances.iter().flat_map(|d| &d.tracks) {
        let Tracked::Service { name, min_healthy } = &track.value.what else {
            continue;
        };
        let read = services.iter().filter_map(|d| d.service.as_ref());
        match read.into_iter().find(|service| *service.name == **name) {
            Some(service) => fits_track(report, &track.span, service, *min_healthy),
            None if certain && !names().any(|known| known == name) => {
                let hint = suggest::among(name, names(), "service", "[[service]]");
                let message = format!("no service is named {name:?}");
                report.absent(&track.span, message, hint);
            }
            // It is wrong, which has been said.
            None => {}
        }
    }
}

/// Whether tracking the service can ever say anything else than one thing.
fn fits_track(report: &mut Report<'_>, span: &Span, service: &Service, min_healthy: u16) {
    let (name, servers) = (&service.name, service.real_servers.len());
    let checks = service.real_servers.iter();
    let checks = checks.filter_map(|server| service.check_of(server));
    let checks: Vec<_> = checks.chain(&service.check).collect();
    if checks.iter().any(|check| check.when == When::Master) {
        // What made it give way would stay as it was.
        report
            .error(
                span,
                format!(
                    "service {name:?} is checked by the MASTER alone (`when = \"master\"`): on a \
                     backup nothing would change any more"
                ),
            )
            .hint("let the check run always, or do not track the service");
    } else if checks.is_empty() {
        let message = format!("service {name:?} has no `check`: its servers are always healthy");
        let hint = "add a `check` to the service, or do not track it".to_owned();
        report.absent(span, message, hint);
    } else if usize::from(min_healthy) > servers {
        report
            .error(
                span,
                format!("`min_healthy` is {min_healthy}, but service {name:?} has {servers} real servers"),
            )
            .hint("it could never be reached: write a lower number");
    }
}

pub(super) fn services(report: &mut Report<'_>, drafts: &[service::Draft]) {
    let names = drafts.iter().filter_map(|d| d.name.as_ref());
    duplicates(
        report,
        names.map(|name| (name.value.as_str(), &name.span)),
        |name| format!("two services are named {name:?}"),
    );
    let addresses = drafts.iter().filter_map(|d| d.address.as_ref());
    duplicates(
        report,
        addresses.map(|address| (address.value, &address.span)),
        |(address, _)| format!("two services have address {address} and the same protocol"),
    );
}

/// Targets of notifications, and what they name.
pub(super) fn targets(
    report: &mut Report<'_>,
    drafts: &[notify::Draft],
    instances: &[vrrp::Draft],
    services: &[service::Draft],
) {
    let names = drafts.iter().filter_map(|d| d.name.as_ref());
    duplicates(
        report,
        names.map(|name| (name.value.as_str(), &name.span)),
        |name| format!("two [[notify]] blocks are named {name:?}"),
    );
    let instances: Vec<_> = instances.iter().map(|d| d.name.as_ref()).collect();
    let services: Vec<_> = services.iter().map(|d| d.name.as_ref()).collect();
    for draft in drafts {
        known(
            report,
            &draft.instances,
            &instances,
            ("VRRP instance", "[[vrrp]]"),
        );
        known(
            report,
            &draft.services,
            &services,
            ("service", "[[service]]"),
        );
    }
}

/// Whether what `wanted` refers to is there. `what` is its noun, and the header of its blocks.
fn known(
    report: &mut Report<'_>,
    wanted: &[At<String>],
    there: &[Option<&At<String>>],
    what: (&str, &str),
) {
    let (noun, header) = what;
    // One whose name is wrong may be the one that is meant.
    if there.iter().any(Option::is_none) {
        return;
    }
    let names = there.iter().flatten().map(|name| name.value.as_str());
    for At { value, span } in wanted {
        if !names.clone().any(|name| name == value) {
            let hint = suggest::among(value, names.clone(), noun, header);
            report.absent(span, format!("no {noun} is named {value:?}"), hint);
        }
    }
}
