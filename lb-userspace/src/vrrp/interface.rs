//! The host's network interfaces as VRRP needs them: index, MAC, state, addresses.

use std::collections::HashMap;
use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// All of these: up, with a carrier, and ready to send. Up to a second may pass from the carrier to
/// the last one (IFF_RUNNING), and until then the kernel silently drops what is sent.
const USABLE: u32 = (libc::IFF_UP | libc::IFF_LOWER_UP | libc::IFF_RUNNING) as u32;

/// A network interface of this network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) index: u32,
    /// `None`: not Ethernet.
    pub(super) mac: Option<[u8; 6]>,
    /// IFF_ flags.
    pub(super) flags: u32,
    /// In the kernel's order.
    pub(super) addresses: Vec<IpAddr>,
}

/// What an instance asks of the address that its advertisements come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    V4,
    /// RFC 9568 section 5.1.2.1: multicast is from the link-local address.
    LinkLocal,
    /// To peers that a link-local address does not reach.
    Global,
}

impl Wanted {
    fn suits(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4, IpAddr::V4(_)) => true,
            (Self::LinkLocal, IpAddr::V6(address)) => address.is_unicast_link_local(),
            (Self::Global, IpAddr::V6(address)) => !address.is_unicast_link_local(),
            (Self::V4, IpAddr::V6(_)) | (Self::LinkLocal | Self::Global, IpAddr::V4(_)) => false,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::LinkLocal => "link-local IPv6",
            Self::Global => "global IPv6",
        }
    }
}

impl Interface {
    /// Why nothing can be sent or received on it.
    pub(super) fn fault(&self) -> Option<String> {
        let name = &self.name;
        if self.flags & libc::IFF_UP as u32 == 0 {
            Some(format!("interface {name} is down"))
        } else if self.flags & libc::IFF_LOWER_UP as u32 == 0 {
            Some(format!("interface {name} has no carrier"))
        } else if self.flags & USABLE != USABLE {
            Some(format!("interface {name} is not ready to send yet"))
        } else {
            None
        }
    }

    /// The address that advertisements come from: the first that is not virtual.
    ///
    /// `current` is kept as long as it is there: peers break ties by it and name us by it.
    pub(super) fn source(
        &self,
        wanted: Wanted,
        is_virtual: impl Fn(IpAddr) -> bool,
        current: Option<IpAddr>,
    ) -> Option<IpAddr> {
        let suits = |address: &&IpAddr| wanted.suits(**address) && !is_virtual(**address);
        let mut candidates = self.addresses.iter().filter(suits).copied();
        let kept = current.filter(|current| candidates.clone().any(|address| address == *current));
        kept.or_else(|| candidates.next())
    }
}

/// Interfaces by name.
pub(super) type Interfaces = HashMap<String, Interface>;

/// All interfaces that the kernel lists now.
pub(super) fn list() -> io::Result<Interfaces> {
    let mut first = ptr::null_mut();
    // SAFETY: `first` is a valid place for the list's head.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut interfaces = Interfaces::new();
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
fn add(interfaces: &mut Interfaces, node: &libc::ifaddrs) {
    // SAFETY: the name is a C string as long as the node lives.
    let label = unsafe { CStr::from_ptr(node.ifa_name) }.to_string_lossy();
    // An address may carry a label such as `eth0:1`; a device name has no colon.
    let name = label.split(':').next().unwrap_or_default();
    if node.ifa_addr.is_null() {
        return;
    }
    // SAFETY: not null, and every socket address begins with its family.
    let address = match i32::from(unsafe { (*node.ifa_addr).sa_family }) {
        libc::AF_PACKET => {
            // SAFETY: the family says `sockaddr_ll`; the read needs no alignment.
            let link = unsafe { node.ifa_addr.cast::<libc::sockaddr_ll>().read_unaligned() };
            let mac = link.sll_addr.first_chunk::<6>().copied();
            let ethernet = link.sll_halen == 6 && link.sll_hatype == libc::ARPHRD_ETHER;
            let interface = Interface {
                name: name.to_owned(),
                index: link.sll_ifindex.unsigned_abs(),
                mac: mac.filter(|_| ethernet),
                flags: node.ifa_flags,
                addresses: Vec::new(),
            };
            interfaces.insert(name.to_owned(), interface);
            return;
        }
        libc::AF_INET => {
            // SAFETY: the family says `sockaddr_in`; the read needs no alignment.
            let inet = unsafe { node.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned() };
            IpAddr::V4(Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr)))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says `sockaddr_in6`; the read needs no alignment.
            let inet = unsafe { node.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned() };
            IpAddr::V6(Ipv6Addr::from(inet.sin6_addr.s6_addr))
        }
        _ => return,
    };
    if let Some(interface) = interfaces.get_mut(name) {
        interface.addresses.push(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
    const LOCAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
    const GLOBAL: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

    fn interface(addresses: &[IpAddr]) -> Interface {
        Interface {
            name: "eth0".to_owned(),
            index: 2,
            mac: Some([2, 0, 0, 0, 0, 1]),
            flags: USABLE,
            addresses: addresses.to_vec(),
        }
    }

    #[test]
    fn source_is_the_first_real_address_and_stays() {
        let source = |addresses: &[IpAddr], current| {
            interface(addresses).source(Wanted::V4, |address| address == VIP, current)
        };
        assert_eq!(source(&[VIP, A, B], None), Some(A));
        assert_eq!(source(&[B, A, VIP], Some(A)), Some(A));
        assert_eq!(source(&[B, VIP], Some(A)), Some(B));
        assert_eq!(source(&[VIP], Some(VIP)), None);
        assert_eq!(source(&[LOCAL, GLOBAL], None), None);
    }

    #[test]
    fn source_suits_what_is_wanted() {
        let interface = interface(&[A, GLOBAL, LOCAL]);
        let source = |wanted| interface.source(wanted, |_| false, None);
        assert_eq!(source(Wanted::V4), Some(A));
        assert_eq!(source(Wanted::LinkLocal), Some(LOCAL));
        assert_eq!(source(Wanted::Global), Some(GLOBAL));
    }

    #[test]
    fn faults_are_told_apart() {
        let mut interface = interface(&[]);
        assert_eq!(interface.fault(), None);
        interface.flags &= !(libc::IFF_LOWER_UP as u32);
        let carrier = interface.fault();
        assert_eq!(carrier.as_deref(), Some("interface eth0 has no carrier"));
        interface.flags = USABLE & !(libc::IFF_RUNNING as u32);
        let ready = interface.fault();
        let expected = "interface eth0 is not ready to send yet";
        assert_eq!(ready.as_deref(), Some(expected));
        interface.flags = 0;
        let down = interface.fault();
        assert_eq!(down.as_deref(), Some("interface eth0 is down"));
    }

    #[test]
    fn the_loopback_interface_is_listed() {
        let interfaces = list().unwrap();
        let lo = &interfaces["lo"];
        assert!(lo.index > 0 && lo.mac.is_none(), "{lo:?}");
    }
}
