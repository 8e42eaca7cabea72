//! The slot of a client in a table of ip_vs_sh (net/netfilter/ipvs/ip_vs_sh.c).

/// Slots of every such table, `IP_VS_SH_TAB_SIZE` of a kernel with the default
/// `CONFIG_IP_VS_SH_TAB_BITS`.
pub const SLOTS: u32 = 1 << BITS;
const BITS: u32 = 8;
/// `GOLDEN_RATIO_32` of the kernel's `hash_32` (include/linux/hash.h).
const GOLDEN_RATIO: u32 = 0x61c8_8647;

/// `word` is [`crate::hash::address_word`] of the client's address, plus its port for `sh-port`.
#[inline(always)]
#[must_use]
pub const fn slot(word: u32) -> u32 {
    word.wrapping_mul(GOLDEN_RATIO) >> (32 - BITS)
}
