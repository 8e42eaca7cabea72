//! The host's network interfaces as VRRP needs them: index, MAC, IPv4 addresses.

use std::ffi::CStr;
use std::io;
use std::net::Ipv4Addr;
use std::ptr;

/// A network interface of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    /// `None`: not Ethernet.
    pub(super) mac: Option<[u8; 6]>,
    /// In the kernel's order.
    pub(super) addresses: Vec<Ipv4Addr>,
}

impl Interface {
    /// The address that advertisements come from: the first that is not virtual.
    ///
    /// `current` is kept as long as it is there: peers break ties by it and name us by it.
    pub(super) fn source(
        &self,
        virtual_addresses: &[Ipv4Addr],
        current: Option<Ipv4Addr>,
    ) -> Option<Ipv4Addr> {
        let real = |address: &&Ipv4Addr| !virtual_addresses.contains(address);
        let mut candidates = self.addresses.iter().filter(real);
        let kept = current.filter(|current| candidates.clone().any(|address| address == current));
        kept.or_else(|| candidates.next().copied())
    }
}

/// All interfaces that the kernel lists now.
pub(super) fn list() -> io::Result<Vec<Interface>> {
    let mut first = ptr::null_mut();
    // SAFETY: `first` is a valid place for the list's head.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut interfaces = Vec::new();
    let mut next = first;
    // SAFETY: each node is null or a valid `ifaddrs` until `freeifaddrs`.
    while let Some(node) = unsafe { next.as_ref() } {
        add(&mut interfaces, node);
        next = node.ifa_next;
    }
    // SAFETY: `first` came from `getifaddrs`, and nothing of the list is kept.
    unsafe { libc::freeifaddrs(first) };
    Ok(interfaces)
}

/// Enters what one node of the list says. The kernel lists links before addresses.
fn add(interfaces: &mut Vec<Interface>, node: &libc::ifaddrs) {
    // SAFETY: the name is a C string as long as the node lives.
    let label = unsafe { CStr::from_ptr(node.ifa_name) }.to_string_lossy();
    // An address may carry a label such as `eth0:1`; a device name has no colon.
    let name = label.split(':').next().unwrap_or_default();
    if node.ifa_addr.is_null() {
        return;
    }
    // SAFETY: not null, and every socket address begins with its family.
    match i32::from(unsafe { (*node.ifa_addr).sa_family }) {
        libc::AF_PACKET => {
            // SAFETY: the family says `sockaddr_ll`; the read needs no alignment.
            let link = unsafe { node.ifa_addr.cast::<libc::sockaddr_ll>().read_unaligned() };
            let mac = link.sll_addr.first_chunk::<6>().copied();
            interfaces.push(Interface {
                name: name.to_owned(),
                index: link.sll_ifindex.unsigned_abs(),
                mac: mac.filter(|_| link.sll_halen == 6),
                addresses: Vec::new(),
            });
        }
        libc::AF_INET => {
            // SAFETY: the family says `sockaddr_in`; the read needs no alignment.
            let inet = unsafe { node.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            let address = Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr));
            if let Some(interface) = interfaces.iter_mut().find(|known| known.name == name) {
                interface.addresses.push(address);
            }
        }
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const VIP: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

    fn interface(addresses: &[Ipv4Addr]) -> Interface {
        Interface {
            name: "eth0".to_owned(),
            index: 2,
            mac: Some([2, 0, 0, 0, 0, 1]),
            addresses: addresses.to_vec(),
        }
    }

    #[test]
    fn source_is_the_first_real_address_and_stays() {
        assert_eq!(interface(&[VIP, A, B]).source(&[VIP], None), Some(A));
        assert_eq!(interface(&[B, A, VIP]).source(&[VIP], Some(A)), Some(A));
        assert_eq!(interface(&[B, VIP]).source(&[VIP], Some(A)), Some(B));
        assert_eq!(interface(&[VIP]).source(&[VIP], Some(VIP)), None);
        assert_eq!(interface(&[]).source(&[], None), None);
    }

    #[test]
    fn loopback_is_listed() {
        let interfaces = list().unwrap();
        let loopback = interfaces.iter().find(|one| one.name == "lo").unwrap();
        assert_ne!(loopback.index, 0);
    }
}
