//! Devices with a virtual MAC: macvlans that lvx makes on an instance's interface.
//!
//! A switch learns a MAC from the frames that come from it. So while this director does not hold
//! the addresses nothing may leave through the device: it has no link-local address, and IPv6 is
//! off, which would report its multicast groups.

use std::io;

use netlink_packet_route::link::{
    InfoData, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use rtnetlink::{LinkMacVlan, LinkUnspec};

use crate::dataplane::table::Mac;

use super::sysctl::{self, Stack};
use super::{Netlink, io_error};

/// `ip link show` tells by it whose the device is, after a crash, too.
const ALIAS: &str = "lvx";

/// What makes an interface a macvlan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macvlan {
    /// Index of the interface below it; 0 if that is in another network namespace.
    pub parent: u32,
    /// It says that lvx made it.
    pub ours: bool,
    /// Nobody said whose it is.
    pub anonymous: bool,
    pub up: bool,
}

/// A device as it shall be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Device {
    pub name: String,
    /// Index of the interface below it.
    pub parent: u32,
    pub parent_name: String,
    pub mac: Mac,
}

/// Set before the device is up for the first time.
const SWITCHES: [(Stack, &str, u32); 12] = [
    // It answers for its own addresses alone, and not for those of its parent.
    (Stack::Ipv4, "arp_ignore", 1),
    (Stack::Ipv4, "arp_announce", 2),
    // Clients are routed through the parent: strict filtering (1, on all interfaces in many
    // distributions) would drop their packets. The stricter of "all" and this one does not count,
    // the larger number does, and 2 is loose.
    (Stack::Ipv4, "rp_filter", 2),
    // Removing one address must not remove others of its network.
    (Stack::Ipv4, "promote_secondaries", 1),
    (Stack::Ipv6, "disable_ipv6", 1),
    // 1 = no link-local address.
    (Stack::Ipv6, "addr_gen_mode", 1),
    (Stack::Ipv6, "accept_ra", 0),
    (Stack::Ipv6, "autoconf", 0),
    (Stack::Ipv6, "router_solicitations", 0),
    (Stack::Ipv6, "accept_redirects", 0),
    (Stack::Ipv6, "dad_transmits", 0),
    (Stack::Ipv6, "ndisc_notify", 0),
];

impl Netlink {
    /// Makes a device and brings it up.
    ///
    /// # Errors
    /// The kernel's; a half-made device is removed again.
    pub async fn make_device(&self, device: &Device) -> io::Result<()> {
        let link = LinkMacVlan::new(&device.name, device.parent, MacVlanMode::Private);
        let link = link.address(device.mac.0.to_vec()).build();
        let made = self.handle.link().add(link).execute().await;
        made.map_err(io_error)?;
        let finished = self.finish_device(device).await;
        if finished.is_err() {
            let _ = self.remove_device(&device.name).await;
        }
        finished
    }

    /// Sets all that there is to a device that was made, or that somebody changed.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn finish_device(&self, device: &Device) -> io::Result<()> {
        for (stack, switch, value) in SWITCHES {
            match sysctl::write(stack, &device.name, switch, value) {
                // A kernel without IPv6, or an older one.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                result => result?,
            }
        }
        let link = LinkUnspec::new_with_name(&device.name);
        let link = link.alias(ALIAS.to_owned()).up().build();
        let set = self.handle.link().set(link).execute().await;
        set.map_err(io_error)
    }

    /// Removes a device; one that is not there is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn remove_device(&self, name: &str) -> io::Result<()> {
        let link = LinkUnspec::new_with_name(name).build();
        let request = rtnetlink::LinkDelRequest::new_with_message(self.handle.clone(), link);
        match request.execute().await.map_err(io_error) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
            other => other,
        }
    }
}

/// IPv6 on a device: on only while it has addresses. Switching it off removes them, and takes
/// back the reports of multicast groups that would follow.
///
/// # Errors
/// The kernel's.
pub fn set_ipv6(name: &str, on: bool) -> io::Result<()> {
    sysctl::write(Stack::Ipv6, name, "disable_ipv6", u32::from(!on))
}

/// `None`: it is another kind of device.
pub(super) fn decode(message: &LinkMessage) -> Option<Macvlan> {
    let mut found = None;
    let (mut parent, mut alias, mut elsewhere) = (0, None, false);
    for attribute in &message.attributes {
        if let LinkAttribute::LinkNetNsId(_) = attribute {
            elsewhere = true;
        } else if let LinkAttribute::Link(index) = attribute {
            parent = *index;
        } else if let LinkAttribute::IfAlias(name) = attribute {
            alias = Some(name.as_str());
        } else if let LinkAttribute::LinkInfo(infos) = attribute {
            found = infos.iter().find_map(mode);
        }
    }
    let private = found? == MacVlanMode::Private;
    Some(Macvlan {
        parent: if elsewhere { 0 } else { parent },
        ours: private && alias == Some(ALIAS),
        anonymous: private && alias.is_none(),
        up: message.header.flags.contains(LinkFlags::Up),
    })
}

fn mode(info: &LinkInfo) -> Option<MacVlanMode> {
    let LinkInfo::Data(InfoData::MacVlan(attributes)) = info else {
        return None;
    };
    attributes.iter().find_map(|attribute| {
        let InfoMacVlan::Mode(mode) = attribute else {
            return None;
        };
        Some(*mode)
    })
}
