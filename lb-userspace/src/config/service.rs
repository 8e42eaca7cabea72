//! `[[service]]` with its real servers.

use std::net::{IpAddr, SocketAddr};

use super::address::service_address;
use super::block::{Block, Kind};
use super::check::{SCRIPT_USER, duplicates};
use super::fits::{fits_ipvs, fits_plane};
use super::reader::{at, choice, name};
use super::real_server::{self, Inherited};
use super::report::{At, Report};
use super::{Global, Protocol, Service, health, policy, scheduling, suggest, timing, vrrp};

const PROTOCOLS: &[(&str, Protocol)] = &[
    ("tcp", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("sctp", Protocol::Sctp),
];

/// What could be read of a service: enough to compare it with the others.
pub(super) struct Draft {
    pub(super) name: Option<At<String>>,
    pub(super) address: Option<At<(SocketAddr, Protocol)>>,
    pub(super) service: Option<Service>,
}

/// The file's VRRP instances, as services refer to them.
pub(super) struct Routers<'d> {
    pub(super) drafts: &'d [vrrp::Draft],
    /// All names and addresses could be read.
    pub(super) certain: bool,
}

impl<'d> Routers<'d> {
    fn names(&self) -> impl Iterator<Item = &'d str> + Clone {
        let drafts = self.drafts.iter();
        drafts.filter_map(|d| d.name.as_ref().map(|name| name.value.as_str()))
    }

    /// The instances that hold `address`: one, unless the file is wrong.
    fn holders(&self, address: IpAddr) -> impl Iterator<Item = &'d str> {
        self.drafts
            .iter()
            .filter(move |d| d.addresses.iter().any(|a| a.value.address == address))
            .filter_map(|d| d.name.as_ref().map(|name| name.value.as_str()))
    }
}

pub(super) fn read(
    report: &mut Report<'_>,
    mut block: Block<'_>,
    routers: &Routers<'_>,
    global: Option<&Global>,
) -> Draft {
    let b = &mut block;
    let name = b.required(report, "name", at(name)).map(|name| At {
        value: name.value.to_owned(),
        span: name.span,
    });
    let address = b.required(report, "address", at(service_address));
    let protocol = b.default(report, "protocol", Protocol::Tcp, choice(PROTOCOLS));
    let instance = b.optional(report, "vrrp", at(super::reader::string));
    let vrrp = address
        .as_ref()
        .zip(instance)
        .and_then(|(address, named)| holder(report, routers, address, named.as_ref()));
    let ipv6 = address.as_ref().map(|address| address.value.is_ipv6());
    let scheduling = scheduling::read(report, b, ipv6);
    let timing = timing::read(report, b, protocol);
    let script_user = global.map_or(SCRIPT_USER, |global| &global.script_user);
    let manner = policy::Said::read(report, b);
    let draft = policy::read(report, b, address.as_ref(), script_user);
    let place = address.as_ref().map(|a| a.value);
    let check = health::read(report, b, place, protocol, global);
    let blocks = b.blocks(report, "real_server", Kind::RealServer);
    if let (Some(scheduler), Some(global)) = (scheduling.scheduler, global) {
        fits_plane(report, &blocks, scheduler, global);
    }
    if let (Some(address), Some(None), Some(global)) = (&address, scheduling.persistence, global) {
        fits_ipvs(report, address, global.dataplane);
    }
    let inherited = Inherited {
        vip: address.as_ref(),
        protocol,
        global,
        manner: &manner,
        scheduler: scheduling.scheduler,
        has_check: check.as_ref().is_none_or(Option::is_some),
    };
    let number = blocks.len();
    let servers: Vec<_> = blocks
        .into_iter()
        .filter_map(|server| real_server::read(report, server, &block, &inherited))
        .collect();
    let certain = servers.len() == number;
    let has_own = servers.iter().any(|server| server.value.check.is_some());
    let around = policy::Around {
        has_check: inherited.has_check || has_own || !certain,
        servers: servers.iter().map(|server| server.value.address).collect(),
        certain,
        ..inherited.around()
    };
    manner.fits(report, &around);
    let policy = draft.finish(report, &around);
    duplicates(
        report,
        servers.iter().map(|s| (s.value.address, &s.span)),
        |address| format!("real server {address} is twice in this service"),
    );
    block.finish(report, None);

    let place = address.zip(protocol).map(|(address, protocol)| At {
        value: (address.value, protocol),
        span: address.span,
    });
    let build = || {
        let (address, protocol) = place.as_ref()?.value;
        Some(Service {
            name: name.as_ref()?.value.as_str().into(),
            address,
            protocol,
            vrrp: vrrp?,
            scheduler: scheduling.scheduler?,
            flags: scheduling.flags?,
            persistence: scheduling.persistence?,
            timeouts: timing.timeouts?,
            affinity: timing.affinity?,
            drain_deadline: timing.drain_deadline?,
            policy: policy?,
            check: check?,
            real_servers: servers.into_iter().map(|s| s.value).collect(),
        })
    };
    let service = build();
    Draft {
        name,
        address: place,
        service,
    }
}

/// The name of the VRRP instance that holds a service's address.
fn holder(
    report: &mut Report<'_>,
    routers: &Routers<'_>,
    address: &At<SocketAddr>,
    named: Option<&At<&str>>,
) -> Option<String> {
    let ip = address.value.ip();
    let found = routers.holders(ip).next();
    let missing_is_sure = routers.certain;
    let Some(named) = named else {
        if found.is_none() && missing_is_sure {
            let hint = format!("add \"{ip}\" to `addresses` of a [[vrrp]] instance");
            report.absent(&address.span, format!("no VRRP instance holds {ip}"), hint);
        }
        return found.map(str::to_owned);
    };
    let name = named.value;
    if routers.holders(ip).any(|holder| holder == name) {
        return Some(name.to_owned());
    }
    if !missing_is_sure {
        return None;
    }
    if !routers.names().any(|known| known == name) {
        let hint = suggest::among(name, routers.names(), "instance", "[[vrrp]]");
        report.absent(
            &named.span,
            format!("no VRRP instance is named {name:?}"),
            hint,
        );
        return None;
    }
    let hint = match found {
        Some(other) => format!("{other:?} holds it: write `vrrp = {other:?}`"),
        None => format!("add \"{ip}\" to `addresses` of {name:?}"),
    };
    let message = format!("VRRP instance {name:?} does not hold {ip}");
    report.absent(&named.span, message, hint);
    None
}
