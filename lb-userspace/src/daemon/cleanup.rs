//! `lvx cleanup`: removes what a daemon left that died.
//!
//! The program is taken off the interfaces: without its address this director must forward
//! nothing, and a switch may flood it with frames to a virtual MAC that leads elsewhere by now.
//! Its maps stay, unless all is asked for: they hold what connections depend on, for the next
//! daemon.

use std::path::Path;

use crate::config;
use crate::dataplane::{probe, xdp};
use crate::netlink::{Closed, Netlink, closed};

use super::DaemonError;
use super::devices::Parents;
use super::lock::Lock;

/// Removes it, and says what.
///
/// # Errors
/// A daemon runs, or the kernel refuses.
pub async fn run(config: Option<&Path>, all: bool) -> Result<Vec<String>, DaemonError> {
    let places = match config {
        Some(path) => config::places(path)?,
        None => config::Places::default(),
    };
    let lock = Lock::take(&places.runtime_dir)?;
    let mut done = Vec::new();
    program(&places.bpffs, all, &mut done)?;
    let netlink = Netlink::connect().map_err(DaemonError::io("netlink"))?;
    addresses(&netlink, &mut done).await?;
    devices(&netlink, &mut done).await?;
    probes(&netlink, &mut done).await?;
    done.extend(Parents::load(lock.directory()).release());
    filter(&mut done).await?;
    Ok(done)
}

fn program(bpffs: &Path, all: bool, done: &mut Vec<String>) -> Result<(), DaemonError> {
    let detached = xdp::detach_left(bpffs)?;
    done.extend(
        detached
            .into_iter()
            .map(|link| format!("detached XDP program {link}")),
    );
    if all && bpffs.exists() {
        xdp::remove_left(bpffs)?;
        done.push(format!("removed the maps in {}", bpffs.display()));
    }
    Ok(())
}

async fn addresses(netlink: &Netlink, done: &mut Vec<String>) -> Result<(), DaemonError> {
    let found = netlink.addresses().await;
    let found = found.map_err(DaemonError::io("list of addresses"))?;
    let links = netlink.links().await;
    let links = links.map_err(DaemonError::io("list of interfaces"))?;
    for one in found.iter().filter(|one| one.own) {
        let address = one.address;
        let removed = netlink.remove_address(one.ifindex, address).await;
        removed.map_err(DaemonError::io(format!("address {address}")))?;
        let link = links.iter().find(|link| link.index == one.ifindex);
        let name = link.map_or("an interface that is gone", |link| link.name.as_str());
        done.push(format!("removed address {address} from {name}"));
    }
    Ok(())
}

async fn devices(netlink: &Netlink, done: &mut Vec<String>) -> Result<(), DaemonError> {
    let links = netlink.links().await;
    let links = links.map_err(DaemonError::io("list of interfaces"))?;
    let ours = |macvlan: crate::netlink::macvlan::Macvlan| macvlan.ours;
    for link in links.iter().filter(|link| link.macvlan.is_some_and(ours)) {
        let removed = netlink.remove_device(&link.name).await;
        removed.map_err(DaemonError::io(format!("device {}", link.name)))?;
        done.push(format!("removed device {}", link.name));
    }
    Ok(())
}

/// Filters of kernels before 6.6; newer ones keep none without its daemon.
async fn probes(netlink: &Netlink, done: &mut Vec<String>) -> Result<(), DaemonError> {
    let links = netlink.links().await;
    let links = links.map_err(DaemonError::io("list of interfaces"))?;
    let left = links.iter().filter(|link| probe::detach_left(&link.name));
    done.extend(left.map(|link| format!("detached programs of checks from {}", link.name)));
    Ok(())
}

/// Without nft there is no table either.
async fn filter(done: &mut Vec<String>) -> Result<(), DaemonError> {
    let Ok(Some(_)) = closed::read().await else {
        return Ok(());
    };
    let removed = closed::write(&Closed::default()).await;
    removed.map_err(DaemonError::io("table inet lvx of nftables"))?;
    done.push("removed table inet lvx of nftables".to_owned());
    Ok(())
}
