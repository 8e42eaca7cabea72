//! Classic BPF: what of an interface's traffic is worth a wake-up. PURE.
//!
//! All programs refuse frames with a VLAN tag: those are another interface's, but a socket on the
//! device below is shown them without the tag.

use std::net::Ipv4Addr;

use socket2::SockFilter;

use crate::vrrp::packet::PROTOCOL;

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const RETURN: u16 = 0x06;
const DROP: SockFilter = SockFilter::new(RETURN, 0, 0, 0);
const ACCEPT: SockFilter = SockFilter::new(RETURN, 0, 0, u32::MAX);
/// At these offsets the kernel keeps what is no byte of the frame (linux/filter.h).
const PROTOCOL_OF: u32 = 0xffff_f000;
const TYPE_OF: u32 = 0xffff_f004;
const VLAN_PRESENT: u32 = 0xffff_f030;
/// More do not fit into the reach of a jump: then every sender is let in and looked at.
const MAX_ADDRESSES: usize = 200;

/// Nothing gets in.
pub(super) const DROP_ALL: [SockFilter; 1] = [DROP];

/// ARP messages whose sender says that he has one of `addresses`; offsets count from Ethernet.
pub(super) fn arp_claims(addresses: &[Ipv4Addr]) -> Vec<SockFilter> {
    const SENDER: u32 = 14 + 14;
    let mut program = Vec::from(require(LOAD_BYTE, VLAN_PRESENT, 0));
    if addresses.len() <= MAX_ADDRESSES {
        let addresses: Vec<_> = addresses.iter().copied().map(u32::from).collect();
        program.extend(require_any(LOAD_WORD, SENDER, &addresses));
    }
    program.push(ACCEPT);
    program
}

/// Neighbour solicitations and advertisements; offsets count from Ethernet.
pub(super) fn neighbour_discovery() -> Vec<SockFilter> {
    const NEXT_HEADER: u32 = 14 + 6;
    const TYPE: u32 = 14 + 40;
    let mut program = Vec::from(require(LOAD_BYTE, NEXT_HEADER, 58));
    program.extend(require(LOAD_BYTE, VLAN_PRESENT, 0));
    program.extend(require_any(LOAD_BYTE, TYPE, &[135, 136]));
    program.push(ACCEPT);
    program
}

/// VRRP that came in and is meant for this host; offsets count from IP.
pub(super) fn vrrp(ipv6: bool) -> Vec<SockFilter> {
    /// PACKET_HOST is 0, PACKET_BROADCAST 1; above it is for another host, or our own.
    const PACKET_MULTICAST: u32 = 2;
    let (ethertype, next_header) = if ipv6 { (0x86dd, 6) } else { (0x0800, 9) };
    let mut program = Vec::from(require(LOAD_HALF, PROTOCOL_OF, ethertype));
    program.extend(require(LOAD_BYTE, next_header, PROTOCOL.into()));
    program.extend(require(LOAD_BYTE, VLAN_PRESENT, 0));
    program.extend([
        SockFilter::new(LOAD_BYTE, 0, 0, TYPE_OF),
        SockFilter::new(JUMP_GREATER, 0, 1, PACKET_MULTICAST),
        DROP,
        ACCEPT,
    ]);
    program
}

/// Drops what does not have this value there.
fn require(load: u16, at: u32, value: u32) -> [SockFilter; 3] {
    [
        SockFilter::new(load, 0, 0, at),
        SockFilter::new(JUMP_EQUAL, 1, 0, value),
        DROP,
    ]
}

/// Drops what has none of these values there.
fn require_any(load: u16, at: u32, values: &[u32]) -> Vec<SockFilter> {
    let mut program = vec![SockFilter::new(load, 0, 0, at)];
    // Each compare that holds jumps over the ones behind it and over the drop.
    for (behind, value) in (0..values.len()).rev().zip(values) {
        let over = u8::try_from(behind + 1).unwrap_or(u8::MAX);
        program.push(SockFilter::new(JUMP_EQUAL, over, 0, *value));
    }
    program.push(DROP);
    program
}
