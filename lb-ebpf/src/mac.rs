//! MAC addresses, in frames and in map values.
//!
//! They are handled in pieces of two and four bytes that are aligned in a frame whose IP header
//! is (NET_IP_ALIGN): kernels without efficient unaligned access, such as User-mode Linux, refuse
//! a program that reads others.

use lb_common::layout::{Interface, RealServer};

/// Two bytes and four.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Destination(u16, u32);

/// Four bytes and two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source(u32, u16);

/// Both addresses of an Ethernet header.
pub type Header = [u8; 12];

const SECOND_PIECE: usize = 2;
const SOURCE: usize = 6;
const LAST_PIECE: usize = 10;

impl Destination {
    /// # Safety
    /// `frame` is inside the frame, and BPF code runs: there a pointer needs no alignment.
    #[inline(always)]
    #[must_use]
    pub unsafe fn read(frame: *const Header) -> Self {
        // SAFETY: as the caller says. Volatile reads are not put together to wider ones.
        unsafe {
            Self(
                frame.cast::<u16>().read_volatile(),
                frame.byte_add(SECOND_PIECE).cast::<u32>().read_volatile(),
            )
        }
    }

    /// The MAC of a real server.
    #[inline(always)]
    #[must_use]
    pub const fn of_server(server: &RealServer) -> Self {
        let [a, b, c, d, e, f] = server.mac;
        Self(u16::from_ne_bytes([a, b]), u32::from_ne_bytes([c, d, e, f]))
    }

    /// The MAC of the virtual router that a server's service belongs to: 00-00-5E-00-01-VRID, for
    /// IPv6 00-00-5E-00-02-VRID (RFC 9568 section 7.3).
    #[inline(always)]
    #[must_use]
    pub const fn of_virtual_router(server: &RealServer) -> Option<Self> {
        let [family, id] = server.virtual_mac;
        if family == 0 {
            return None;
        }
        Some(Self(0, u32::from_ne_bytes([0x5e, 0, family, id])))
    }

    /// The MAC that frames for us have on an interface.
    #[inline(always)]
    #[must_use]
    pub const fn of_interface(interface: &Interface) -> Self {
        let [a, b, c, d, e, f] = interface.mac;
        Self(u16::from_ne_bytes([a, b]), u32::from_ne_bytes([c, d, e, f]))
    }
}

impl Source {
    /// The MAC of the interface through which a real server is reached.
    #[inline(always)]
    #[must_use]
    pub const fn of_server(server: &RealServer) -> Self {
        let [a, b, c, d, e, f] = server.source_mac;
        Self(u32::from_ne_bytes([a, b, c, d]), u16::from_ne_bytes([e, f]))
    }

    /// Whether a frame to `destination` is for this MAC.
    #[inline(always)]
    #[must_use]
    pub const fn is(self, destination: Destination) -> bool {
        let Destination(first, rest) = destination;
        let high = (rest >> 16) as u16;
        first as u32 | rest << 16 == self.0 && high == self.1
    }
}

/// Writes both addresses.
///
/// # Safety
/// `frame` is inside a frame that may be written, and BPF code runs: there a pointer needs no
/// alignment.
#[inline(always)]
pub unsafe fn write(frame: *mut Header, destination: Destination, source: Source) {
    // SAFETY: as the caller says. Volatile writes are not put together to wider ones.
    unsafe {
        frame.cast::<u16>().write_volatile(destination.0);
        frame
            .byte_add(SECOND_PIECE)
            .cast::<u32>()
            .write_volatile(destination.1);
        frame
            .byte_add(SOURCE)
            .cast::<u32>()
            .write_volatile(source.0);
        frame
            .byte_add(LAST_PIECE)
            .cast::<u16>()
            .write_volatile(source.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: RealServer = RealServer {
        flags: 0,
        mac: [9; 6],
        source_mac: [1, 2, 3, 4, 5, 6],
        vlan: 0,
        ifindex: 1,
        id: 1,
        port: 80,
        inner_vlan: 0,
        address: [0; 16],
        weight: 1,
        table: 0,
        virtual_mac: [0; 2],
        reserved: [0; 10],
    };

    fn to(mac: [u8; 6]) -> Destination {
        Destination::of_interface(&Interface { reserved: 0, mac })
    }

    #[test]
    fn a_virtual_router_has_one_mac_for_each_family() {
        assert!(Destination::of_virtual_router(&SERVER).is_none());
        for family in [1, 2] {
            let virtual_mac = [family, 51];
            let server = RealServer {
                virtual_mac,
                ..SERVER
            };
            let mac = Destination::of_virtual_router(&server);
            assert!(mac == Some(to([0, 0, 0x5e, 0, family, 51])));
            assert!(mac != Some(to([0, 0, 0x5e, 0, family, 52])));
            assert!(mac != Some(to([0, 0, 0x5e, 0, 3 - family, 51])));
        }
    }

    #[test]
    fn a_source_knows_itself_as_a_destination() {
        let source = Source::of_server(&SERVER);
        assert!(source.is(to([1, 2, 3, 4, 5, 6])));
        for byte in 0..6 {
            let mut other = [1, 2, 3, 4, 5, 6];
            other[byte] = 0xff;
            assert!(!source.is(to(other)), "byte {byte}");
        }
    }
}
