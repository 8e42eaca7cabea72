//! Routes in the kernel's main table.
//!
//! The table is listed when the kernel reports that something about a tracked network, or about
//! an interface, has changed: IPv4 routes vanish with their interface without a report of their
//! own.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, TryStreamExt};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{Handle, MulticastGroup};
use tokio::sync::{mpsc, watch};

use crate::config::Tracked;

use super::{Report, Seen, Told};

/// A report that was lost is made up for by then.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
const REOPEN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Network {
    pub(super) address: IpAddr,
    pub(super) prefix_len: u8,
}

pub(super) async fn run<T: From<Report>>(
    mut wanted: watch::Receiver<BTreeSet<Network>>,
    reports: mpsc::Sender<T>,
) {
    let mut told = Told::new();
    loop {
        // No socket as long as there is nothing to look for.
        if wanted
            .wait_for(|networks| !networks.is_empty())
            .await
            .is_err()
        {
            return;
        }
        match watch(&mut wanted, &reports, &mut told).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "cannot watch the kernel's routes"),
        }
        tokio::time::sleep(REOPEN_AFTER).await;
    }
}

/// Returns when nobody listens any more, or the socket has failed.
async fn watch<T: From<Report>>(
    wanted: &mut watch::Receiver<BTreeSet<Network>>,
    reports: &mpsc::Sender<T>,
    told: &mut Told<Network>,
) -> io::Result<()> {
    let groups = [
        MulticastGroup::Link,
        MulticastGroup::Ipv4Route,
        MulticastGroup::Ipv6Route,
    ];
    let (connection, handle, mut messages) = rtnetlink::new_multicast_connection(&groups)?;
    tokio::spawn(connection);
    loop {
        // What was reported so far is in the list that follows.
        while let Some(Some(_)) = messages.next().now_or_never() {}
        let networks = wanted.borrow_and_update().clone();
        let present = present(&handle, &networks).await?;
        for network in &networks {
            let seen = if present.contains(network) {
                Seen::Well
            } else {
                Seen::NotWell("is not in the kernel's main table".to_owned())
            };
            if told.is_news(network, &seen) {
                let what = Tracked::Route {
                    network: network.address,
                    prefix_len: network.prefix_len,
                };
                if reports.send(Report { what, seen }.into()).await.is_err() {
                    return Ok(());
                }
            }
        }
        let look_again = tokio::time::sleep(LOOK_AGAIN);
        tokio::pin!(look_again);
        loop {
            tokio::select! {
                changed = wanted.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    told.forget();
                    break;
                }
                () = &mut look_again => break,
                message = messages.next() => {
                    let Some((message, _)) = message else {
                        return Err(io::Error::other("the netlink socket failed"));
                    };
                    if concerns(&message, &networks) {
                        break;
                    }
                }
            }
        }
    }
}

/// Whether a look at the table may tell something new.
fn concerns(message: &NetlinkMessage<RouteNetlinkMessage>, networks: &BTreeSet<Network>) -> bool {
    if let NetlinkPayload::Overrun(_) = message.payload {
        return true;
    }
    let NetlinkPayload::InnerMessage(message) = &message.payload else {
        return false;
    };
    if let RouteNetlinkMessage::NewRoute(route) | RouteNetlinkMessage::DelRoute(route) = message {
        network(route).is_some_and(|network| networks.contains(&network))
    } else {
        matches!(
            message,
            RouteNetlinkMessage::NewLink(_) | RouteNetlinkMessage::DelLink(_)
        )
    }
}

/// Those of `networks` for which there is a route.
async fn present(handle: &Handle, networks: &BTreeSet<Network>) -> io::Result<BTreeSet<Network>> {
    let mut present = BTreeSet::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let ipv4 = family == AddressFamily::Inet;
        if !networks.iter().any(|one| one.address.is_ipv4() == ipv4) {
            continue;
        }
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let routes = handle.route().get(request).execute();
        let mut routes = std::pin::pin!(routes);
        while let Some(route) = routes.try_next().await.map_err(io::Error::other)? {
            let network = network(&route);
            present.extend(network.filter(|network| networks.contains(network)));
        }
    }
    Ok(present)
}

/// The network that a route of the main table is for; `None` for other tables, and for a route
/// whose interface is gone.
fn network(route: &RouteMessage) -> Option<Network> {
    if route.header.table != RouteHeader::RT_TABLE_MAIN
        || route.header.flags.contains(RouteFlags::Dead)
    {
        return None;
    }
    let mut address = if route.header.address_family == AddressFamily::Inet {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    for attribute in &route.attributes {
        if let RouteAttribute::Destination(RouteAddress::Inet(v4)) = attribute {
            address = IpAddr::V4(*v4);
        } else if let RouteAttribute::Destination(RouteAddress::Inet6(v6)) = attribute {
            address = IpAddr::V6(*v6);
        }
    }
    Some(Network {
        address,
        prefix_len: route.header.destination_prefix_length,
    })
}
