//!
//! Byte order, once for all layouts: numbers (ports, indexes, VLAN ids) are in host order, so
//! that `bpftool map dump` prints them as an operator writes them; addresses and MACs are byte
//! arrays in network order. IPv4 addresses are stored as v4-mapped IPv6, `::ffff:192.0.2.10`.

#![cfg_attr(not(test), no_std)]
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    allow(internal_features, reason = "core has no atomic exchange for BPF")
)]

pub mod atomic;
pub mod feed;
pub mod hash;
pub mod index;
pub mod layout;
pub mod maglev;
pub mod opened;
pub mod probe;
pub mod reason;
pub mod record;
pub mod rule;
pub mod sh;
pub mod trace;
