//! `unicast`: the peers of an instance that does not use multicast.

use std::net::IpAddr;
use std::num::NonZeroU8;

use crate::config::Unicast;
use crate::config::address::host_address;
use crate::config::block::{Block, Kind};
use crate::config::check::duplicates;
use crate::config::reader::{at, integer, list};
use crate::config::report::{At, Report};

use super::addresses::Addresses;

/// What the rest of the instance says that bears on it.
pub(super) struct Around<'i> {
    pub(super) addresses: &'i Addresses,
    pub(super) priority: Option<NonZeroU8>,
}

/// `Some(None)`: multicast; `None`: wrong, and reported.
pub(super) fn read(
    report: &mut Report<'_>,
    instance: &mut Block<'_>,
    around: &Around<'_>,
) -> Option<Option<Unicast>> {
    let Some(mut block) = instance.block(report, "unicast", Kind::Unicast) else {
        return Some(None);
    };
    let b = &mut block;
    let source = b.optional(report, "source", at(host_address));
    let peers = b.required(report, "peers", at(list(host_address)));
    let ttl = b.default(report, "ttl", NonZeroU8::MAX, |report, value| {
        NonZeroU8::new(integer(1, 255)(report, value)?)
    });
    let lowest = b.optional(report, "min_ttl", at(integer(1, 255)));
    let highest = b.default(report, "max_ttl", u8::MAX, integer(1, 255));
    block.finish(report, Some(instance));

    let (source, peers) = (source?, peers?);
    if peers.value.whole && peers.value.items.is_empty() {
        report
            .error(&peers.span, "`peers` is empty")
            .hint("write the other directors' addresses, or remove `unicast`");
    }
    let peers = peers.value.items;
    duplicates(
        report,
        peers.iter().map(|peer| (peer.value, &peer.span)),
        |peer| format!("`peers` has {peer} twice"),
    );
    for peer in &peers {
        fits_peer(report, around, peer, source.as_ref());
    }
    if let Some(source) = &source {
        fits_source(report, around, source);
    }
    let (lowest, highest) = (lowest?, highest?);
    let lowest = match lowest {
        None => highest,
        Some(At { value, span }) if value > highest => {
            report
                .error(
                    &span,
                    format!("`min_ttl` is above `max_ttl`, which is {highest}"),
                )
                .hint("write the smaller of both as `min_ttl`");
            return None;
        }
        Some(lowest) => lowest.value,
    };
    Some(Some(Unicast {
        source: source.map(|source| source.value),
        peers: peers.into_iter().map(|peer| peer.value).collect(),
        ttl: ttl?,
        accepted_ttl: lowest..=highest,
    }))
}

fn fits_peer(
    report: &mut Report<'_>,
    around: &Around<'_>,
    peer: &At<IpAddr>,
    source: Option<&At<IpAddr>>,
) {
    let address = peer.value;
    if !same_family(report, around, peer, "peer") {
        return;
    }
    if source.is_some_and(|source| source.value == address) {
        report
            .error(
                &peer.span,
                format!("peer {address} is the `source` as well"),
            )
            .hint("leave this director itself out of `peers`");
    } else if is_virtual(around, address) {
        report
            .error(
                &peer.span,
                format!("peer {address} is a virtual address of this instance"),
            )
            .hint("write the other director's own address, which it keeps as a backup");
    }
}

fn fits_source(report: &mut Report<'_>, around: &Around<'_>, source: &At<IpAddr>) {
    let address = source.value;
    if !same_family(report, around, source, "source") {
        return;
    }
    // The owner has the virtual addresses even when it does not run VRRP.
    let owner = around.priority == Some(NonZeroU8::MAX);
    if is_virtual(around, address) && !owner {
        report
            .error(
                &source.span,
                format!("`source` {address} is a virtual address of this instance"),
            )
            .hint("write this director's own address, which it keeps as a backup");
    }
}

fn is_virtual(around: &Around<'_>, address: IpAddr) -> bool {
    let mut virtuals = around.addresses.items.iter();
    virtuals.any(|held| held.value.address == address)
}

fn same_family(
    report: &mut Report<'_>,
    around: &Around<'_>,
    address: &At<IpAddr>,
    what: &str,
) -> bool {
    let name = |ipv6| if ipv6 { "IPv6" } else { "IPv4" };
    match around.addresses.is_ipv6() {
        Some(wanted) if wanted != address.value.is_ipv6() => {
            let (ip, wanted) = (address.value, name(wanted));
            let family = name(ip.is_ipv6());
            report
                .error(
                    &address.span,
                    format!("{what} {ip} is {family}, but the virtual addresses are {wanted}"),
                )
                .hint(format!(
                    "write an {wanted} address: advertisements have one family"
                ));
            false
        }
        Some(_) | None => true,
    }
}
