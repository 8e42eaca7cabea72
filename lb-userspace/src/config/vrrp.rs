//! `[[vrrp]]`, the parts of which are in the files below.

mod addresses;
mod advertisement;
mod garp;
mod preempt;
mod track;
mod unicast;
mod virtual_mac;

use std::num::NonZeroU8;

use super::block::{Block, Value};
use super::reader::{at, integer, interface, name};
use super::report::{At, Report};
use super::{Instance, InterfaceAddress, Track, auth, command};

/// What makes a virtual router another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Router {
    pub(super) interface: String,
    pub(super) id: NonZeroU8,
    /// One of IPv4 and one of IPv6 have nothing to do with each other.
    pub(super) ipv6: bool,
}

/// What could be read of an instance: enough for the references to it, even if it is wrong.
pub(super) struct Draft {
    pub(super) name: Option<At<String>>,
    pub(super) interface: Option<String>,
    /// At the VRID.
    pub(super) router: Option<At<Router>>,
    pub(super) addresses: Vec<At<InterfaceAddress>>,
    /// No address is missing because it was wrong.
    pub(super) whole: bool,
    /// The device with the virtual MAC.
    pub(super) device: Option<At<String>>,
    /// A service is at its name.
    pub(super) tracks: Vec<At<Track>>,
    pub(super) instance: Option<Instance>,
}

pub(super) fn read(report: &mut Report<'_>, mut block: Block<'_>, script_user: &str) -> Draft {
    let b = &mut block;
    let name = b.required(report, "name", at(name)).map(|name| At {
        value: name.value.to_owned(),
        span: name.span,
    });
    let interface = b.required(report, "interface", interface);
    let vrid = b.required(report, "virtual_router_id", at(non_zero));
    let addresses = addresses::read(report, b);
    let ipv6 = addresses.is_ipv6();
    let version = advertisement::version(report, b, ipv6);
    let priority = b.default(report, "priority", DEFAULT_PRIORITY, non_zero);
    let advert_interval = advertisement::interval(report, b, version);
    let checksum = advertisement::checksum(report, b, version, ipv6);
    let auth = auth::read(report, b, version);
    let preempt = preempt::preempt(report, b, priority);
    let startup_delay = preempt::startup_delay(report, b);
    let accept = preempt::accept(report, b, priority);
    let id = vrid.as_ref().map(|vrid| vrid.value);
    let virtual_mac = virtual_mac::read(report, b, id, ipv6);
    let around = unicast::Around {
        addresses: &addresses,
        priority,
    };
    let unicast = unicast::read(report, b, &around);
    let garp = garp::read(report, b);
    let around = track::Around {
        interface: interface.as_deref(),
        priority,
        script_user,
    };
    let tracks = track::read(report, b, &around);
    let notify = command::notify(report, b, script_user);
    block.finish(report, None);

    let router = || {
        let vrid = vrid.as_ref()?;
        let value = Router {
            interface: interface.clone()?,
            id: vrid.value,
            ipv6: ipv6?,
        };
        let span = vrid.span.clone();
        Some(At { value, span })
    };
    let router = router();
    let device = virtual_mac.clone().flatten();
    let build = || {
        Some(Instance {
            name: name.as_ref()?.value.clone(),
            interface: interface.clone()?,
            virtual_router_id: vrid?.value,
            version: version?,
            priority: priority?,
            advert_interval: advert_interval?,
            addresses: addresses.items.iter().map(|a| a.value).collect(),
            checksum: checksum?,
            auth: auth?,
            preempt: preempt?,
            startup_delay: startup_delay?,
            accept: accept?,
            virtual_mac: virtual_mac?.map(|device| device.value),
            unicast: unicast?,
            garp: garp?,
            track: tracks.iter().flatten().map(|t| t.value.clone()).collect(),
            notify: notify?,
        })
    };
    let instance = build().filter(|_| tracks.is_some());
    Draft {
        name,
        interface,
        router,
        addresses: addresses.items,
        whole: addresses.whole,
        device,
        tracks: tracks.unwrap_or_default(),
        instance,
    }
}

const DEFAULT_PRIORITY: NonZeroU8 = NonZeroU8::MIN.saturating_add(99);

fn non_zero(report: &mut Report<'_>, value: Value<'_>) -> Option<NonZeroU8> {
    NonZeroU8::new(integer(1, 255)(report, value)?)
}
