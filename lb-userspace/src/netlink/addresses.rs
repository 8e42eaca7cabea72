//! Addresses on interfaces: ours, and those of others.

use std::io;
use std::net::IpAddr;

use futures_util::TryStreamExt;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressProtocol, CacheInfo,
};

use crate::config::InterfaceAddress;

use super::{Netlink, io_error};

/// `IFA_PROTO` of the addresses that lvx adds: the IP protocol number of VRRP. They can be told
/// from the operator's own even after a crash (kernel >= 5.18).
const PROTOCOL: AddressProtocol = AddressProtocol::Other(112);

/// Of the route to the network of an address with a virtual MAC. The interface below has one of
/// its own, by which packets shall leave; this is for networks in which it has no address.
const VIRTUAL_METRIC: u32 = 4096;

/// An address on an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub ifindex: u32,
    pub address: InterfaceAddress,
    /// lvx added it, now or before a crash.
    pub own: bool,
}

/// What came of adding an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    New,
    WasThere,
}

impl Netlink {
    /// Adds an address of ours; `on_virtual`: on a device with a virtual MAC.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn add_address(
        &self,
        ifindex: u32,
        address: InterfaceAddress,
        on_virtual: bool,
    ) -> io::Result<Added> {
        let (ip, prefix_len) = (address.address, address.prefix_len);
        let mut request = self.handle.address().add(ifindex, ip, prefix_len);
        let message = request.message_mut();
        message.header.flags |= AddressHeaderFlags::Nodad;
        message
            .attributes
            .push(AddressAttribute::Protocol(PROTOCOL));
        if ip.is_ipv6() {
            message.attributes.push(unpreferred());
        }
        if on_virtual {
            let metric = AddressAttribute::RoutePriority(VIRTUAL_METRIC);
            message.attributes.push(metric);
        }
        match request.execute().await.map_err(io_error) {
            Ok(()) => Ok(Added::New),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(Added::WasThere),
            Err(error) if error.raw_os_error() == Some(libc::EACCES) && ip.is_ipv6() => {
                let reason = "IPv6 is switched off there: see the sysctls \
                              net.ipv6.conf.*.disable_ipv6";
                Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes an address; one that is not there is no error.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn remove_address(&self, ifindex: u32, address: InterfaceAddress) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = match address.address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.header.index = ifindex;
        message.header.prefix_len = address.prefix_len;
        let local = AddressAttribute::Local(address.address);
        message.attributes.push(local);
        let removed = self.handle.address().del(message).execute().await;
        match removed.map_err(io_error) {
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    // The last one: the interface has no IPv6 any more.
                    Some(libc::EADDRNOTAVAIL | libc::ENODEV | libc::ENXIO)
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// The addresses of all interfaces.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn addresses(&self) -> io::Result<Vec<Address>> {
        let all = self.handle.address().get().execute();
        let all: Vec<AddressMessage> = all.try_collect().await.map_err(io_error)?;
        Ok(all.iter().filter_map(decode).collect())
    }
}

/// Lets the kernel take an IPv6 address as its own sender's only where it has no other (RFC 4862
/// section 5.5.4): it would prefer the newest one of a network, and the checks of real servers,
/// which have the virtual address themselves, would come from there.
fn unpreferred() -> AddressAttribute {
    let mut lifetimes = CacheInfo::default();
    lifetimes.ifa_preferred = 0;
    lifetimes.ifa_valid = u32::MAX;
    AddressAttribute::CacheInfo(lifetimes)
}

pub(super) fn decode(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut own = false;
    for attribute in &message.attributes {
        if let AddressAttribute::Protocol(protocol) = attribute {
            own = *protocol == PROTOCOL;
        } else if let AddressAttribute::Local(address)
        // IPv6 has no other one.
        | AddressAttribute::Address(address @ IpAddr::V6(_)) = attribute
        {
            local = Some(*address);
        }
    }
    Some(Address {
        ifindex: message.header.index,
        address: InterfaceAddress {
            address: local?,
            prefix_len: message.header.prefix_len,
        },
        own,
    })
}
