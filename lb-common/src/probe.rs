//! What the programs of checks through the virtual address and the daemon agree on.
//!
//! The kernel's own stack talks with a real server's address. On the way out, a packet of such a
//! probe gets the virtual address for its destination; on the way in, the answer to it gets the
//! server's for its source. Byte order is that of all layouts.

/// Values of map `asked_for`, by address: what a packet from there can be.
pub mod asked_for {
    /// The answer to a probe through this virtual address.
    pub const VIRTUAL: u32 = 1;
    /// A datagram of a server that was asked for another address, and answers from its own: no
    /// client takes that for an answer.
    pub const OWN: u32 = 2;
}

/// Map `probes`: the virtual address that a socket shall ask for, by its cookie. The kernel gives
/// no cookie twice.
pub const PROBES: &str = "probes";

/// An address, IPv4 as v4-mapped. All of these are aligned to words, as the kernel wants what a
/// program has on its stack.
#[repr(C, align(8))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    pub bytes: [u8; 16],
}

/// A MAC as a number: its first byte is the third highest of eight.
#[inline(always)]
#[must_use]
pub const fn mac_number([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// Key of map `answers`: an answer to a probe. The value is the real server's address.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The director's.
    pub local: Address,
    /// What was asked for.
    pub virtual_address: Address,
    /// Whom the probe went to; 0 for a server that answers from another interface.
    pub mac: u64,
    pub local_port: u16,
    pub port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Always 0: a hash map compares all bytes of a key.
    pub reserved: [u8; 3],
}

/// Key of map `talks`: a connection, or an exchange of datagrams, as the kernel's stack knows it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    pub local: Address,
    pub server: Address,
    pub local_port: u16,
    pub port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// Always 0.
    pub reserved: [u8; 3],
}

/// Value of map `talks`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// `CLOCK_MONOTONIC` in nanoseconds at which it began.
    pub at: u64,
    pub address: Address,
}

impl Asked {
    /// How long the kernel answers for a connection that has ended (`TCP_TIMEWAIT_LEN`), before
    /// which it uses its ports for no other one, and some seconds in which it was open.
    pub const LIFE: u64 = 90_000_000_000;

    #[inline(always)]
    #[must_use]
    pub const fn is_over(&self, now: u64) -> bool {
        now.wrapping_sub(self.at) > Self::LIFE
    }
}

const _: () = {
    assert!(size_of::<Address>() == 16);
    assert!(size_of::<Answer>() == 48);
    assert!(size_of::<Talk>() == 40);
    assert!(size_of::<Asked>() == 24);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_long_ago_says_nothing() {
        let asked = Asked {
            at: 5,
            address: Address { bytes: [0; 16] },
        };
        assert!(!asked.is_over(5));
        assert!(!asked.is_over(5 + Asked::LIFE));
        assert!(asked.is_over(6 + Asked::LIFE));
    }
}
