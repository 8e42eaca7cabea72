//! The one hash of lvx: `hsiphash_1u32` of a 64-bit kernel (lib/siphash.c), as ip_vs_mh uses it.
//!
//! SipHash-1-3 of four bytes, the 64-bit result cut to 32 bits. The XDP program hashes clients
//! with it, the daemon fills Maglev tables with it, and `lvx where` explains with it.

use crate::layout::words;

/// Key of ip_vs_mh's first hash: a client's slot, and a real server's offset.
pub const KEY_SLOT: u64 = 2_654_435_761;
/// Key of ip_vs_mh's second hash: a real server's skip.
pub const KEY_SKIP: u64 = 2_654_446_892;

const BYTES: u64 = 4;

/// SipHash-1-3 of one 32-bit word, both halves of the key equal to `key`.
#[inline(always)]
#[must_use]
pub const fn hsiphash(word: u32, key: u64) -> u32 {
    let mut v = block(initial(key), (BYTES << 56) | word as u64);
    v[2] ^= 0xff;
    v = round(round(round(v)));
    (v[0] ^ v[1] ^ v[2] ^ v[3]) as u32
}

/// SipHash-1-3 of whole words, all 64 bits of it, with both halves of the key equal to `key`: for
/// keys that nobody else has to compute.
#[inline(always)]
#[must_use]
pub const fn siphash(words: [u64; 3], key: u64) -> u64 {
    const LENGTH: u64 = 24 << 56;
    let mut v = initial(key);
    let [a, b, c] = words;
    v = block(block(block(block(v, a), b), c), LENGTH);
    v[2] ^= 0xff;
    v = round(round(round(v)));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline(always)]
const fn initial(key: u64) -> [u64; 4] {
    [
        0x736f_6d65_7073_6575 ^ key,
        0x646f_7261_6e64_6f6d ^ key,
        0x6c79_6765_6e65_7261 ^ key,
        0x7465_6462_7974_6573 ^ key,
    ]
}

#[inline(always)]
const fn block(mut v: [u64; 4], word: u64) -> [u64; 4] {
    v[3] ^= word;
    v = round(v);
    v[0] ^= word;
    v
}

#[inline(always)]
const fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    [a, b, c, d]
}

/// The word ip_vs_mh hashes for an address and a port: IPv6 folded by XOR, in host order, plus
/// the port. A v4-mapped address gives the IPv4 address itself.
#[inline(always)]
#[must_use]
pub const fn address_word(address: [u8; 16], port: u16) -> u32 {
    word_of(words(address), port)
}

/// [`address_word`] of an address in words.
#[inline(always)]
#[must_use]
pub const fn word_of([high, low]: [u64; 2], port: u16) -> u32 {
    const MAPPED: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);
    let last = (low >> 32) as u32;
    let folded = if high == 0 && low as u32 == MAPPED {
        last
    } else {
        (high >> 32) as u32 ^ high as u32 ^ low as u32 ^ last
    };
    u32::from_be(folded).wrapping_add(port as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hasher;

    #[test]
    fn address_word_is_the_ipv4_address_or_the_folded_ipv6_address() {
        let v4 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 10];
        assert_eq!(address_word(v4, 0), 0xc000_020a);
        assert_eq!(address_word(v4, 80), 0xc000_020a + 80);
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4];
        assert_eq!(address_word(v6, 0), 0x2001_0db8 ^ 1 ^ 2 ^ 4);
        assert_eq!(address_word([0xff; 16], 1), 1);
    }

    #[test]
    #[expect(
        deprecated,
        reason = "std's SipHash-2-4 is another hash: only its inequality counts"
    )]
    fn differs_from_siphash_2_4() {
        let mut other = std::hash::SipHasher::new_with_keys(KEY_SLOT, KEY_SLOT);
        other.write(&7u32.to_le_bytes());
        assert_ne!(other.finish() as u32, hsiphash(7, KEY_SLOT));
    }
}
