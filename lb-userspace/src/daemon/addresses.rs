//! The virtual addresses on the interfaces, and what others do to them.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::config::InterfaceAddress;
use crate::netlink::{Added, Address};

use super::settle::RETRY;
use super::{Daemon, devices};

/// What is known of the addresses beyond those that are held.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Something was reported that does not fit: all are to be looked at.
    pub(super) look: bool,
    /// Held ones that are an owner's own: others put them there, and they stay.
    lent: BTreeSet<(u32, InterfaceAddress)>,
}

impl Daemon {
    /// A report of the kernel. Our own changes are reported, too, perhaps long after: what
    /// counts is what is there when it is looked at.
    pub(super) fn address_changed(&mut self, what: Address, gone: bool) {
        let held = self.held.contains(&(what.ifindex, what.address));
        self.guard.look |= if gone { held } else { what.own && !held };
    }

    /// Finds held addresses that are gone, to be added again, and removes those of ours that do
    /// not belong here.
    pub(super) async fn guard_addresses(&mut self) {
        let now = Instant::now();
        if !self.guard.look || self.must_wait(now) {
            return;
        }
        self.guard.look = false;
        let found = match self.netlink.addresses().await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "cannot list the addresses");
                self.guard.look = true;
                self.retry(now + RETRY);
                return;
            }
        };
        // One that went with its interface is nobody's doing.
        self.refresh_links().await;
        let there: BTreeSet<_> = found.iter().map(|one| (one.ifindex, one.address)).collect();
        for lost in self.held.difference(&there).copied().collect::<Vec<_>>() {
            self.held.remove(&lost);
            let Some(interface) = self.interface_name(lost.0) else {
                continue;
            };
            self.repaired(&format!(
                "virtual address {} was removed from {interface}: added again",
                lost.1
            ));
        }
        let wanted = self.control.addresses();
        let strange = found.iter().filter(|one| one.own);
        let strange = strange.map(|one| (one.ifindex, one.address));
        let strange = strange.filter(|one| !self.held.contains(one) && !wanted.contains(one));
        for (ifindex, address) in strange.collect::<Vec<_>>() {
            let interface = self.interface_name(ifindex).unwrap_or_default();
            match self.netlink.remove_address(ifindex, address).await {
                Ok(()) => self.repaired(&format!(
                    "virtual address {address} came to {interface}, where it does not belong: \
                     removed"
                )),
                Err(error) => {
                    tracing::error!(%address, %error, "cannot remove a virtual address");
                    self.guard.look = true;
                    self.retry(now + RETRY);
                }
            }
        }
    }

    fn interface_name(&self, ifindex: u32) -> Option<String> {
        let mut links = self.control.links().values();
        let link = links.find(|link| link.index == ifindex);
        link.map(|link| link.name.clone())
    }

    pub(super) async fn remove_addresses(&mut self, wanted: &BTreeSet<(u32, InterfaceAddress)>) {
        self.switch_ipv6(false);
        for (ifindex, address) in self.held.difference(wanted).copied().collect::<Vec<_>>() {
            self.held.remove(&(ifindex, address));
            if self.guard.lent.remove(&(ifindex, address)) {
                continue;
            }
            match self.netlink.remove_address(ifindex, address).await {
                Ok(()) => tracing::info!(%address, "virtual address removed"),
                Err(error) => {
                    tracing::error!(%address, %error, "cannot remove a virtual address");
                    self.guard.look = true;
                    self.retry(Instant::now() + RETRY);
                }
            }
        }
    }

    pub(super) async fn add_addresses(&mut self, wanted: BTreeSet<(u32, InterfaceAddress)>) {
        self.switch_ipv6(true);
        for (ifindex, address) in wanted {
            if self.held.contains(&(ifindex, address)) {
                continue;
            }
            let on_virtual = devices::is_virtual(&self.control, ifindex);
            let added = self.netlink.add_address(ifindex, address, on_virtual).await;
            match added {
                Ok(added) => {
                    let owner = self.control.is_owner(ifindex, address);
                    if added == Added::WasThere && owner {
                        self.guard.lent.insert((ifindex, address));
                    } else {
                        tracing::info!(%address, "virtual address added");
                    }
                    self.held.insert((ifindex, address));
                    self.control.announce_address(ifindex, address);
                }
                Err(error) => {
                    tracing::error!(%address, %error, "cannot add a virtual address");
                    self.retry(Instant::now() + RETRY);
                }
            }
        }
    }
}
