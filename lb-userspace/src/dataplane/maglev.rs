//! Maglev tables, slot for slot those of the kernel's ip_vs_mh (net/netfilter/ipvs/ip_vs_mh.c).
//! PURE.
//!
//! The kernel fills in the order of its list, which has the server added last first. lvx keeps
//! that list in descending order of address, on every director and in IPVS.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::ops::Rem;

use lb_common::hash::{KEY_SKIP, KEY_SLOT, address_word, hsiphash};
use lb_common::maglev::{TableSize, slot};

use super::table::address_bytes;

/// A real server as the table sees it. Ordered as the canonical list: descending by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    pub address: IpAddr,
    pub port: u16,
    /// 0 = gets no slots.
    pub weight: u16,
}

/// One server's walk through the table.
struct Walk {
    member: usize,
    position: u32,
    skip: u32,
    /// Slots it takes before it is the next server's turn.
    turns: u32,
}

/// The table for `members`, whatever their order: for each slot the index of its member, `None`
/// everywhere if no member has a weight.
#[must_use]
pub fn fill(members: &[Member], size: TableSize) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|&member| Reverse(members[member].place()));
    fill_in_order(members, &order, size)
}

impl Member {
    /// Where it is in an ascending list; the canonical one is descending.
    pub(super) fn place(&self) -> ([u8; 16], u16) {
        (address_bytes(self.address), self.port)
    }
}

/// The kernel's fill: `order` is its list, by index into `members`.
fn fill_in_order(members: &[Member], order: &[usize], size: TableSize) -> Vec<Option<usize>> {
    let slots = size.slots().get();
    let mut table = vec![None; slots as usize];
    let Some(scale) = Scale::new(members, size) else {
        return table;
    };
    let mut walks: Vec<Walk> = order
        .iter()
        .filter(|&&member| members[member].weight > 0)
        .map(|&member| walk(member, &members[member], scale, slots))
        .collect();
    let mut free = slots;
    loop {
        for walk in &mut walks {
            for _ in 0..walk.turns {
                while table[walk.position as usize].is_some() {
                    walk.position = (walk.position + walk.skip) % slots;
                }
                table[walk.position as usize] = Some(walk.member);
                free -= 1;
                if free == 0 {
                    return table;
                }
            }
        }
    }
}

fn walk(index: usize, member: &Member, scale: Scale, slots: u32) -> Walk {
    let word = address_word(address_bytes(member.address), member.port);
    Walk {
        member: index,
        position: hsiphash(word, KEY_SLOT) % slots,
        skip: hsiphash(word, KEY_SKIP) % (slots - 1) + 1,
        turns: scale.turns(member.weight),
    }
}

/// Weights are divided by their greatest common divisor and shifted right until the largest
/// fits into the bits that go with the table's size.
#[derive(Clone, Copy)]
struct Scale {
    divisor: u32,
    shift: u32,
}

impl Scale {
    /// `None` if all weights are 0.
    fn new(members: &[Member], size: TableSize) -> Option<Self> {
        let weights = || {
            members
                .iter()
                .map(|m| u32::from(m.weight))
                .filter(|&w| w > 0)
        };
        let largest = weights().max()?;
        let divisor = weights().reduce(gcd)?;
        let bits = 32 - (largest / divisor).leading_zeros();
        Some(Self {
            divisor,
            shift: bits.saturating_sub(size.weight_bits()),
        })
    }

    /// At least 1: a small weight beside huge ones still gets slots.
    fn turns(self, weight: u16) -> u32 {
        ((u32::from(weight) / self.divisor) >> self.shift).max(1)
    }
}

/// Greatest common divisor; that of 0 and another number is the other.
pub(super) fn gcd<N: Copy + Default + PartialEq + Rem<Output = N>>(a: N, b: N) -> N {
    if b == N::default() { a } else { gcd(b, a % b) }
}

/// The slot of a client under `mh`.
#[must_use]
pub fn client_slot(client: IpAddr, size: TableSize) -> u32 {
    slot(address_word(address_bytes(client), 0), size.slots())
}

#[cfg(test)]
mod tests;
