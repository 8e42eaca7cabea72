//! Reports of changes of the kernel's packet filter (nf_tables), by anybody.

use std::io;
use std::time::Duration;

use netlink_sys::protocols::NETLINK_NETFILTER;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};
use tokio::sync::mpsc;

use super::monitor::Change;

/// `NFNLGRP_NFTABLES` of include/uapi/linux/netfilter/nfnetlink.h.
const GROUP: u32 = 7;
const REOPEN_AFTER: Duration = Duration::from_secs(1);
/// What is in a report does not matter.
const REPORT: usize = 64;

/// Reports changes until nobody listens.
pub async fn run<T: From<Change>>(changes: mpsc::Sender<T>) {
    while !changes.is_closed() {
        if let Err(error) = watch(&changes).await {
            tracing::debug!(%error, "cannot watch nf_tables");
        }
        tokio::time::sleep(REOPEN_AFTER).await;
    }
}

async fn watch<T: From<Change>>(changes: &mpsc::Sender<T>) -> io::Result<()> {
    let mut socket = TokioSocket::new(NETLINK_NETFILTER)?;
    socket.socket_mut().bind(&SocketAddr::new(0, 0))?;
    socket.socket_mut().add_membership(GROUP)?;
    loop {
        let mut report = Vec::with_capacity(REPORT);
        match socket.recv(&mut report).await {
            // Some were lost: there were changes.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
            result => result?,
        }
        if changes.send(Change::Filter.into()).await.is_err() {
            return Ok(());
        }
    }
}
