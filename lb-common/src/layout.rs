//! Layouts of the maps, shared by the XDP program and the daemon.
//!
//! Each type is a plain `#[repr(C)]` struct without implicit padding, its size pinned below:
//! `bpftool map dump` prints the field names, and a changed layout is a compile error here.
//! [`LAYOUT_VERSION`] is raised with every change of meaning or size.

use core::num::NonZeroU32;

use crate::hash::word_of;
use crate::rule::Timeouts;
use crate::{maglev, sh};

/// Version of everything in this module.
pub const LAYOUT_VERSION: u32 = 4;

/// Room for virtual services.
pub const MAX_SERVICES: u32 = 4096;
/// Room for real servers, counted per service; index 0 means "none" and is never used.
pub const MAX_REAL_SERVERS: u32 = 16_384;
/// Real servers of a service that is scheduled by least connections: a new connection looks at
/// all of them.
pub const MAX_LEAST: u32 = 256;
/// Room for network interfaces.
pub const MAX_INTERFACES: u32 = 256;

/// IPv6 form of an IPv4 address, `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2).
#[inline(always)]
#[must_use]
pub const fn v4_mapped([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// An address as two words, each as it lies in memory: how the program handles addresses.
#[inline(always)]
#[must_use]
pub const fn words(address: [u8; 16]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address;
    [
        u64::from_ne_bytes([a, b, c, d, e, f, g, h]),
        u64::from_ne_bytes([i, j, k, l, m, n, o, p]),
    ]
}

/// [`words`] of a v4-mapped address, from the IPv4 address as it lies in memory.
#[inline(always)]
#[must_use]
pub const fn v4_words(address: u32) -> [u64; 2] {
    const PREFIX: u64 = u64::from_ne_bytes([0, 0, 0xff, 0xff, 0, 0, 0, 0]);
    // The program runs on little-endian machines (bpfel).
    [0, PREFIX | (address as u64) << 32]
}

/// Key of map `services`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ServiceKey {
    /// Virtual address.
    pub address: [u8; 16],
    /// 0 = all ports of the address that have no service of their own.
    pub port: u16,
    /// IP protocol number: 6 TCP, 17 UDP, 132 SCTP.
    pub protocol: u8,
    /// Always 0: a hash map compares all bytes of a key.
    pub reserved: u8,
}

/// Value of map `services`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Service {
    /// `Service::ACTIVE` and others.
    pub flags: u32,
    /// Index of the service's table in `tables`, and of its place in `cursors`.
    pub table: u32,
    /// Applied to the client's address before hashing: persistence granularity.
    pub client_mask: [u8; 16],
    /// Seconds without a packet after which an established connection (a UDP client) is over.
    pub established: u32,
    /// The same for one that was only opened.
    pub opening: u16,
    /// The same for one that was closed or reset.
    pub closing: u16,
    /// Seconds in which a client gets its server back; 0 = no persistence.
    pub persistence: u32,
    /// For `Service::FLOWS`: entries of the table that are in use, from the first one on.
    pub length: u32,
}

impl Service {
    /// This director is MASTER for the service's address, and the program serves it: forward its
    /// packets.
    pub const ACTIVE: u32 = 1;
    /// The client's port is hashed, too (`mh-port`, `sh-port`).
    pub const PORT: u32 = 1 << 1;
    /// The table has [`crate::sh::SLOTS`] slots, found by ip_vs_sh's hash.
    pub const SH: u32 = 1 << 2;
    /// Each connection has a record in `flows`; new ones take the table's entries in turn.
    pub const FLOWS: u32 = 1 << 3;
    /// With `FLOWS`: new ones take the server with the fewest connections for its weight.
    pub const LEAST: u32 = 1 << 4;
    /// Records are per client, not per connection: UDP with `affinity = "client"`.
    pub const BY_CLIENT: u32 = 1 << 5;
    /// Clients have records in `persistence`.
    pub const PERSISTENT: u32 = 1 << 6;
    /// All but `ACTIVE`: the service needs more than its Maglev table.
    pub const SPECIAL: u32 = !Self::ACTIVE;
    /// Mask that keeps the whole client address.
    pub const WHOLE_CLIENT: [u8; 16] = [0xff; 16];

    /// When records of connections are over.
    #[inline(always)]
    #[must_use]
    pub const fn timeouts(&self) -> Timeouts {
        Timeouts {
            opening: self.opening as u32,
            established: self.established,
            closing: self.closing as u32,
        }
    }

    /// When records of clients are over.
    #[inline(always)]
    #[must_use]
    pub const fn client_timeouts(&self) -> Timeouts {
        Timeouts {
            opening: self.persistence,
            established: self.persistence,
            closing: self.persistence,
        }
    }

    /// A client's address as far as it counts for the slot and for persistence.
    #[inline(always)]
    #[must_use]
    pub const fn masked(&self, client: [u64; 2]) -> [u64; 2] {
        let mask = words(self.client_mask);
        [client[0] & mask[0], client[1] & mask[1]]
    }

    /// A client's port as far as the key of its record needs it.
    #[inline(always)]
    #[must_use]
    pub const fn record_port(&self, port: u16) -> u16 {
        if self.flags & Self::BY_CLIENT != 0 {
            0
        } else {
            port
        }
    }

    /// The slot of a client (by its [masked](Self::masked) address) in the service's table, of
    /// which a Maglev table has `slots`.
    #[inline(always)]
    #[must_use]
    pub const fn slot(&self, client: [u64; 2], port: u16, slots: NonZeroU32) -> u32 {
        let port = if self.flags & Self::PORT != 0 {
            port
        } else {
            0
        };
        let word = word_of(client, port);
        if self.flags & Self::SH != 0 {
            sh::slot(word)
        } else {
            maglev::slot(word, slots)
        }
    }
}

/// Entry of an inner map of `tables`: one slot of a Maglev table, in one word so that a packet
/// reads all of it at once.
///
/// Bits 0–23 the current real server, bits 24–47 the previous one, bits 48–63 flags; the numbers
/// are indexes into `real_servers`, 0 = none.
#[repr(transparent)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slot(pub u64);

impl Slot {
    const INDEX_BITS: u32 = 24;
    const INDEX_MASK: u64 = (1 << Self::INDEX_BITS) - 1;
    const FLAGS_SHIFT: u32 = 2 * Self::INDEX_BITS;
    /// A change moved the slot a short time ago; packets without record that do not open a
    /// connection belong to the previous server.
    pub const SETTLING: u16 = 1;
    /// There may be records that say something else than `current`.
    pub const EXCEPTIONAL: u16 = 2;

    /// A slot that one server decides and that looks at no state; 0 = no server.
    #[inline(always)]
    #[must_use]
    pub const fn stable(real_server: u32) -> Self {
        Self(real_server as u64 & Self::INDEX_MASK)
    }

    #[inline(always)]
    #[must_use]
    pub const fn settling(current: u32, previous: u32) -> Self {
        let previous = (previous as u64 & Self::INDEX_MASK) << Self::INDEX_BITS;
        Self::stable(current).flagged(Self::SETTLING, previous)
    }

    #[inline(always)]
    #[must_use]
    pub const fn exceptional(current: u32) -> Self {
        Self::stable(current).flagged(Self::EXCEPTIONAL, 0)
    }

    #[inline(always)]
    const fn flagged(self, flags: u16, bits: u64) -> Self {
        Self(self.0 | bits | (flags as u64) << Self::FLAGS_SHIFT)
    }

    #[inline(always)]
    #[must_use]
    pub const fn current(self) -> u32 {
        (self.0 & Self::INDEX_MASK) as u32
    }

    #[inline(always)]
    #[must_use]
    pub const fn previous(self) -> u32 {
        ((self.0 >> Self::INDEX_BITS) & Self::INDEX_MASK) as u32
    }

    /// Not 0: records decide, not `current` alone.
    #[inline(always)]
    #[must_use]
    pub const fn flags(self) -> u16 {
        (self.0 >> Self::FLAGS_SHIFT) as u16
    }
}

/// Value of map `real_servers`: one cache line, never changed while a table refers to it. What
/// changes (a MAC) gets a new entry, and the tables are swapped over to it.
///
/// The MACs lie as in a frame whose IP header is aligned: the program copies them in pieces of
/// two and four bytes.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RealServer {
    /// `RealServer::LOCAL`.
    pub flags: u16,
    pub mac: [u8; 6],
    /// MAC of the egress interface.
    pub source_mac: [u8; 6],
    /// VLAN on which the server is reached through the egress interface, 0 = untagged; with two
    /// tags the outer one.
    pub vlan: u16,
    /// Egress interface: the one that carries the program, not a VLAN device on it.
    pub ifindex: u32,
    /// The server's id: index into `counters`, `loads` and `entries`. It stays when the server
    /// moves to another entry.
    pub id: u32,
    pub port: u16,
    /// Inner VLAN of two, else 0.
    pub inner_vlan: u16,
    pub address: [u8; 16],
    /// What its connections are divided by when `Service::LEAST` compares loads.
    pub weight: u32,
    /// `Service::table` of its service: a daemon that takes over learns from it whose it is.
    pub table: u32,
    /// Last two bytes of the virtual MAC (RFC 9568 section 7.3) that frames to its service may
    /// have, too: 1 (IPv4) or 2 (IPv6), and the virtual router's id. Both 0 = there is none.
    pub virtual_mac: [u8; 2],
    /// 0 today.
    pub reserved: [u8; 10],
}

impl RealServer {
    /// The real server is this host: the kernel delivers.
    pub const LOCAL: u16 = 1;
}

/// Value of map `loads`: connections of a real server (by id) in `flows`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Established.
    pub active: u32,
    /// Opened, or closed, and not over yet.
    pub inactive: u32,
}

impl Load {
    /// What ip_vs_lc and ip_vs_wlc compare (include/net/ip_vs.h, `ip_vs_dest_conn_overhead`).
    #[inline(always)]
    #[must_use]
    pub const fn overhead(self) -> u64 {
        ((self.active as u64) << 8) + self.inactive as u64
    }
}

/// The one value of map `settings`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// Seconds in which a daemon ran, written by it: the time of all records. It stands still
    /// while no daemon runs, so that nothing is forgotten meanwhile.
    pub now: u64,
    /// Random; keys the hashes of records.
    pub secret: u64,
    /// [`LAYOUT_VERSION`].
    pub version: u32,
    /// Slots of every Maglev table.
    pub table_size: u32,
    /// 0 today.
    pub reserved: [u64; 5],
}

/// Value of map `counters`, per CPU; one entry for each real server of a service,
/// by its id.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Packets sent on.
    pub packets: u64,
    /// Their length as the IP header gives it, without Ethernet header and padding.
    pub bytes: u64,
    /// TCP SYNs among them. New UDP flows are not counted.
    pub connections: u64,
}

/// Value of map `reasons`, per CPU; indexed by [`crate::reason::Reason`].
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReasonCount {
    pub packets: u64,
}

/// Value of map `interfaces`, keyed by ifindex: the NICs that carry the program. The MAC lies as
/// in a [`RealServer`].
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interface {
    pub reserved: u16,
    pub mac: [u8; 6],
}

const _: () = {
    assert!(size_of::<ServiceKey>() == 20);
    assert!(size_of::<Service>() == 40);
    assert!(size_of::<Slot>() == 8);
    assert!(size_of::<RealServer>() == 64);
    assert!(size_of::<Load>() == 8);
    assert!(size_of::<Settings>() == 64);
    assert!(size_of::<Counter>() == 24);
    assert!(size_of::<ReasonCount>() == 8);
    assert!(size_of::<Interface>() == 8);
    assert!(MAX_REAL_SERVERS as u64 <= Slot::INDEX_MASK + 1);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stable_slot_holds_one_server_and_no_flags() {
        for index in [0, 1, MAX_REAL_SERVERS - 1, 0xff_ffff] {
            let slot = Slot::stable(index);
            assert_eq!(
                (slot.current(), slot.previous(), slot.flags()),
                (index, 0, 0)
            );
        }
    }

    #[test]
    fn an_unstable_slot_says_which_state_it_is_in() {
        let slot = Slot::settling(3, 2);
        let parts = (slot.current(), slot.previous(), slot.flags());
        assert_eq!(parts, (3, 2, Slot::SETTLING));
        let slot = Slot::exceptional(3);
        let parts = (slot.current(), slot.previous(), slot.flags());
        assert_eq!(parts, (3, 0, Slot::EXCEPTIONAL));
    }

    #[test]
    fn the_parts_of_a_slot_do_not_overlap() {
        let slot = Slot(0x8001_0000_0200_0003);
        assert_eq!(
            (slot.current(), slot.previous(), slot.flags()),
            (3, 2, 0x8001)
        );
    }

    #[test]
    fn v4_mapped_is_the_form_of_std() {
        let ip = std::net::Ipv4Addr::new(192, 0, 2, 10);
        assert_eq!(v4_mapped(ip.octets()), ip.to_ipv6_mapped().octets());
    }
}
