//! The index in which the program finds a service: a hash table in a plain array, in which each
//! key has two places to be. Userspace builds it without collisions; the program looks at two
//! cache lines at most. (A lookup in a BPF hash map costs more than the rest of the path.)

use crate::layout::{MAX_SERVICES, Service, ServiceKey, words};

/// Bits of a place.
const BITS: u32 = 14;
/// Places: four times [`crate::layout::MAX_SERVICES`].
pub const PLACES: u32 = 1 << BITS;

/// Odd 64-bit multipliers without pattern: fractional parts of square roots of primes.
const FIRST: u64 = 0x6a09_e667_f3bc_c909;
const SECOND: u64 = 0xbb67_ae85_84ca_a73b;
const FOLD: u64 = 0x3c6e_f372_fe94_f82b;
const SPREAD: u64 = 0xa54f_f53a_5f1d_36f1;

/// A service's key in words, for hashing and comparing.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IndexKey {
    /// The 16 bytes of the address, each half as it lies in memory.
    pub address: [u64; 2],
    /// Port × 65536 + protocol; 0 in an empty entry, since no protocol is 0.
    pub port_protocol: u32,
    /// 1: where fragments, which have no ports, go; else 0.
    pub fragments: u32,
}

impl IndexKey {
    #[inline(always)]
    #[must_use]
    pub const fn new(address: [u64; 2], port: u16, protocol: u8) -> Self {
        Self {
            address,
            port_protocol: (port as u32) << 16 | protocol as u32,
            fragments: 0,
        }
    }

    #[inline(always)]
    #[must_use]
    pub const fn protocol(&self) -> u8 {
        self.port_protocol as u8
    }

    /// The key by which fragments find the one service of their address and protocol.
    #[inline(always)]
    #[must_use]
    pub const fn of_fragments(address: [u64; 2], protocol: u8) -> Self {
        Self {
            address,
            port_protocol: protocol as u32,
            fragments: 1,
        }
    }

    /// The key of the service on all ports.
    #[inline(always)]
    #[must_use]
    pub const fn any_port(self) -> Self {
        Self {
            port_protocol: self.port_protocol & 0xffff,
            ..self
        }
    }

    /// Where the key's entry may be.
    #[inline(always)]
    #[must_use]
    pub const fn places(&self) -> [u32; 2] {
        let [high, low] = self.address;
        let upper = (high ^ high >> 32).wrapping_mul(FOLD);
        let port = self.port_protocol as u64 | (self.fragments as u64) << 32;
        let word = low ^ upper ^ upper >> 32 ^ port.wrapping_mul(SPREAD);
        // Addresses and ports come in rows: one multiplication alone would map rows to rows.
        let mixed = (word ^ word >> 32).wrapping_mul(FIRST);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(SECOND);
        // A product's upper bits depend on most of its factor's.
        let second = (mixed >> (64 - 2 * BITS)) as u32 & (PLACES - 1);
        [(mixed >> (64 - BITS)) as u32, second]
    }
}

impl From<ServiceKey> for IndexKey {
    fn from(key: ServiceKey) -> Self {
        Self::new(words(key.address), key.port, key.protocol)
    }
}

/// Entry of the inner map of `service_index`: one cache line.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexEntry {
    pub key: IndexKey,
    pub service: Service,
}

const _: () = {
    assert!(size_of::<IndexKey>() == 24);
    assert!(size_of::<IndexEntry>() == 64);
    assert!(PLACES >= 4 * MAX_SERVICES);
};
