//! The devices with virtual MACs, and what is taken of the packets to virtual addresses. PURE.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZeroU8;

use crate::config::{self, InterfaceAddress};
use crate::dataplane::table::Mac;
use crate::netlink::macvlan::{Device, Macvlan};
use crate::netlink::{Closed, Link};

use super::{Control, Serving};

/// What is to be done about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Make(Device),
    /// It is there, but somebody changed it, or it was not finished.
    Finish(Device),
    Remove {
        name: String,
    },
    /// Somebody else's device has the name; a sentence.
    Refuse {
        device: Device,
        reason: String,
    },
}

impl Control {
    /// The devices that shall be there: those whose interface is.
    #[must_use]
    pub fn devices(&self) -> BTreeMap<&str, Device> {
        let device = |vrrp: &'_ config::Instance| {
            let name = vrrp.virtual_mac.as_ref()?;
            let parent = self.links.get(&vrrp.interface)?;
            Some(Device {
                name: name.clone(),
                parent: parent.index,
                parent_name: parent.name.clone(),
                mac: Mac::of_virtual_router(vrrp.virtual_router_id, vrrp.is_ipv6()),
            })
        };
        let instances = self.config.vrrp.iter();
        let devices = instances.filter_map(|vrrp| Some((vrrp.device(), device(vrrp)?)));
        devices.collect()
    }

    /// What brings the devices to what they shall be.
    #[must_use]
    pub fn device_steps(&self) -> Vec<Step> {
        let wanted = self.devices();
        let mut steps = Vec::new();
        for link in self.links.values() {
            let ours = link.macvlan.is_some_and(|macvlan| macvlan.ours);
            let kept = wanted.get(link.name.as_str());
            if ours && kept.is_none_or(|device| !is_same(link, device)) {
                let name = link.name.clone();
                steps.push(Step::Remove { name });
            }
        }
        for device in wanted.into_values() {
            steps.extend(match self.links.get(&device.name) {
                None => Some(Step::Make(device)),
                Some(link) => step(link, device),
            });
        }
        steps
    }

    /// Name of the interface below a device with a virtual MAC.
    pub(super) fn below_virtual(&self, link: &Link) -> Option<&str> {
        let device = self.config.vrrp.iter().find(|vrrp| {
            let name = vrrp.virtual_mac.as_ref();
            name == Some(&link.name)
        });
        device.map(|vrrp| vrrp.interface.as_str())
    }

    /// The instance whose addresses are on the interface with this index.
    pub(super) fn instance_on(&self, ifindex: u32, address: IpAddr) -> Option<&config::Instance> {
        self.config.vrrp.iter().find(|vrrp| {
            let link = self.links.get(vrrp.device());
            let held = vrrp.addresses.iter().any(|one| one.address == address);
            held && link.is_some_and(|link| link.index == ifindex)
        })
    }

    /// Whether it is the host's own address: the instance is its owner (priority 255).
    #[must_use]
    pub fn is_owner(&self, ifindex: u32, address: InterfaceAddress) -> bool {
        let instance = self.instance_on(ifindex, address.address);
        instance.is_some_and(config::Instance::is_owner)
    }

    /// An address came to an interface: a MASTER announces its addresses.
    pub fn announce_address(&mut self, ifindex: u32, address: InterfaceAddress) {
        let name = self.instance_on(ifindex, address.address);
        let name = name.map(|vrrp| vrrp.name.clone());
        if let Some(instance) = name.and_then(|name| self.instances.get_mut(&name)) {
            instance.announce_again();
        }
    }

    /// The daemon ends: nothing is held any more.
    pub fn release(&mut self) {
        for instance in self.instances.values_mut() {
            instance.serving = Serving::Idle;
        }
    }

    /// Names of the devices with a virtual MAC for IPv6, and whether they hold addresses now.
    #[must_use]
    pub fn ipv6_devices(&self) -> BTreeMap<&str, bool> {
        let of_ipv6 = self.config.vrrp.iter().filter(|vrrp| vrrp.is_ipv6());
        let devices = of_ipv6.filter_map(|vrrp| {
            let name = vrrp.virtual_mac.as_deref()?;
            Some((name, self.holds(vrrp)))
        });
        devices.collect()
    }

    /// The virtual router whose MAC frames to a service may have.
    pub(super) fn virtual_router(&self, service: &config::Service) -> Option<NonZeroU8> {
        let mut instances = self.config.vrrp.iter();
        let instance = instances.find(|vrrp| vrrp.name == service.vrrp)?;
        instance.virtual_mac.as_ref()?;
        Some(instance.virtual_router_id)
    }

    pub(super) fn holds(&self, vrrp: &config::Instance) -> bool {
        let instance = self.instances.get(&vrrp.name);
        instance.is_some_and(|instance| instance.serving.holds_addresses())
    }

    /// The held addresses that take packets to their services only (Accept_Mode, RFC 9568
    /// section 6.1; an owner takes all).
    #[must_use]
    pub fn closed(&self) -> Closed {
        let closed =
            |vrrp: &&config::Instance| !vrrp.accept && !vrrp.is_owner() && self.holds(vrrp);
        let instances: Vec<&config::Instance> = self.config.vrrp.iter().filter(closed).collect();
        let addresses: BTreeSet<IpAddr> = instances
            .iter()
            .flat_map(|vrrp| &vrrp.addresses)
            .map(|one| one.address)
            .collect();
        let services = self.config.services.iter();
        let services = services.filter(|service| addresses.contains(&service.address.ip()));
        Closed {
            services: services
                .map(|service| (service.address, service.protocol.number()))
                .collect(),
            addresses,
        }
    }
}

fn is_same(link: &Link, device: &Device) -> bool {
    let parent = link.macvlan.map(|macvlan| macvlan.parent);
    parent == Some(device.parent) && link.mac == Some(device.mac)
}

/// About a device whose name is taken.
fn step(link: &Link, device: Device) -> Option<Step> {
    match link.macvlan {
        Some(Macvlan { ours: true, up, .. }) if is_same(link, &device) => {
            (!up).then_some(Step::Finish(device))
        }
        // The old one is removed before.
        Some(Macvlan { ours: true, .. }) => Some(Step::Make(device)),
        // Made by a daemon that died before it could say so.
        Some(Macvlan {
            anonymous: true,
            up: false,
            ..
        }) if is_same(link, &device) => Some(Step::Finish(device)),
        Some(_) | None => Some(Step::Refuse {
            reason: format!(
                "interface {0} is not a device that lvx made: remove it (`ip link del {0}`), or \
                 give virtual_mac another name",
                device.name
            ),
            device,
        }),
    }
}
