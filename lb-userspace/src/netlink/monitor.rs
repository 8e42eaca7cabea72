//! The kernel's own reports of changes.

use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::AsyncSocket;
use rtnetlink::MulticastGroup;
use tokio::sync::mpsc;

use super::decode::neighbour;
use super::{Address, Neighbour, Resolution, addresses};

/// Room for a burst of reports before the kernel drops some and says so.
const RECEIVE_BUFFER: usize = 4 << 20;
const REOPEN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Neighbour(Neighbour),
    /// An interface appeared, vanished or changed.
    Links,
    /// An address came to an interface, or is gone from it.
    Address {
        what: Address,
        gone: bool,
    },
    /// The packet filter changed.
    Filter,
    /// Reports were lost, or none were received so far: read everything anew.
    Resync,
}

/// Reports changes until nobody listens. A socket that fails is opened again.
pub async fn run<T: From<Change>>(changes: mpsc::Sender<T>) {
    while !changes.is_closed() {
        if let Err(error) = watch(&changes).await {
            tracing::warn!(%error, "cannot watch the kernel's network configuration");
        }
        tokio::time::sleep(REOPEN_AFTER).await;
    }
}

/// Returns when the socket has failed or nobody listens.
async fn watch<T: From<Change>>(changes: &mpsc::Sender<T>) -> io::Result<()> {
    let groups = [
        MulticastGroup::Link,
        MulticastGroup::Neigh,
        MulticastGroup::Ipv4Ifaddr,
        MulticastGroup::Ipv6Ifaddr,
    ];
    let (mut connection, _handle, mut messages) = rtnetlink::new_multicast_connection(&groups)?;
    let socket = connection.socket_mut().socket_mut();
    if let Err(error) = socket.set_rx_buf_sz(RECEIVE_BUFFER) {
        tracing::debug!(%error, "netlink receive buffer keeps its default size");
    }
    tokio::spawn(connection);
    let mut next = Some(Change::Resync);
    loop {
        if let Some(change) = next
            && changes.send(change.into()).await.is_err()
        {
            return Ok(());
        }
        let Some((message, _)) = messages.next().await else {
            return Err(io::Error::other("the netlink socket failed"));
        };
        next = change(&message);
    }
}

fn change(message: &NetlinkMessage<RouteNetlinkMessage>) -> Option<Change> {
    if let NetlinkPayload::Overrun(_) = message.payload {
        return Some(Change::Resync);
    }
    let NetlinkPayload::InnerMessage(message) = &message.payload else {
        return None;
    };
    if let RouteNetlinkMessage::NewNeighbour(message) = message {
        neighbour(message).map(Change::Neighbour)
    } else if let RouteNetlinkMessage::DelNeighbour(message) = message {
        let gone = neighbour(message)?;
        let state = Resolution::Unknown;
        Some(Change::Neighbour(Neighbour { state, ..gone }))
    } else if let RouteNetlinkMessage::NewLink(_) | RouteNetlinkMessage::DelLink(_) = message {
        Some(Change::Links)
    } else if let RouteNetlinkMessage::NewAddress(message) = message {
        let what = addresses::decode(message)?;
        Some(Change::Address { what, gone: false })
    } else if let RouteNetlinkMessage::DelAddress(message) = message {
        let what = addresses::decode(message)?;
        Some(Change::Address { what, gone: true })
    } else {
        None
    }
}
