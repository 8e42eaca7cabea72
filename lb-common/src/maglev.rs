//! The slot of a client in a Maglev table, and the sizes such a table may have.

use core::num::NonZeroU32;

use crate::hash::{KEY_SLOT, hsiphash};

/// Slots of a Maglev table: one of the primes of ip_vs_mh, so never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableSize(NonZeroU32);

impl TableSize {
    /// The primes ip_vs_mh can be built with, `CONFIG_IP_VS_MH_TAB_INDEX` 8 to 17.
    pub const PRIMES: [u32; 10] = [
        251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521, 131_071,
    ];
    /// The size of a kernel that was built with the default index, 12.
    pub const DEFAULT: Self = Self(NonZeroU32::MIN.saturating_add(4092));

    /// `None` if `slots` is none of [`Self::PRIMES`].
    #[must_use]
    pub fn new(slots: u32) -> Option<Self> {
        let known = Self::PRIMES.contains(&slots);
        NonZeroU32::new(slots).filter(|_| known).map(Self)
    }

    #[must_use]
    pub const fn slots(self) -> NonZeroU32 {
        self.0
    }

    /// Bits a weight divided by the greatest common divisor may keep: half of the kernel's
    /// table index, and the primes are the largest below a power of two by that index.
    #[must_use]
    pub const fn weight_bits(self) -> u32 {
        (32 - self.0.leading_zeros()) / 2
    }
}

impl Default for TableSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The slot of a client: `word` is [`crate::hash::address_word`] of its address.
#[inline(always)]
#[must_use]
pub const fn slot(word: u32, slots: NonZeroU32) -> u32 {
    let hash = hsiphash(word, KEY_SLOT);
    // A branch that the verifier knows: of the default size, the remainder takes no division.
    // Said as one, the compiler would join both branches.
    if slots.get() == TableSize::DEFAULT.0.get() {
        remainder_of_default(hash)
    } else {
        hash % slots.get()
    }
}

/// `hash % 4093`: the fractional part of the quotient, times the divisor. 47 bits of it are
/// enough, rounded up, since neither the reciprocal's nor their error adds up to another slot.
#[inline(always)]
const fn remainder_of_default(hash: u32) -> u32 {
    const SLOTS: u64 = TableSize::DEFAULT.0.get() as u64;
    const RECIPROCAL: u64 = u64::MAX / SLOTS + 1;
    const CUT: u32 = 17;
    let fraction = (RECIPROCAL.wrapping_mul(hash as u64) >> CUT) + 1;
    ((fraction * SLOTS) >> (u64::BITS - CUT)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_bits_are_half_the_kernels_table_index() {
        let bits: Vec<u32> = TableSize::PRIMES
            .map(|slots| TableSize::new(slots).unwrap().weight_bits())
            .into();
        assert_eq!(bits, [4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
    }

    #[test]
    fn the_remainder_without_division_is_the_remainder() {
        const SLOTS: u32 = 4093;
        for first in (0..=u32::MAX).step_by(SLOTS as usize) {
            for (hash, remainder) in (first..=u32::MAX).zip(0..3) {
                assert_eq!(remainder_of_default(hash), remainder, "{hash}");
            }
            if let Some(last) = first.checked_sub(1) {
                assert_eq!(remainder_of_default(last), SLOTS - 1, "{last}");
            }
        }
        assert_eq!(remainder_of_default(u32::MAX), u32::MAX % SLOTS);
    }

    #[test]
    fn only_the_kernels_primes_are_sizes() {
        assert_eq!(TableSize::new(4093), Some(TableSize::DEFAULT));
        assert_eq!(TableSize::new(4096), None);
        assert_eq!(TableSize::new(0), None);
    }
}
