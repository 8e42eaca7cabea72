//! Checks through the virtual address: the director's packets to a real server leave as a client's
//! would arrive there, and the answers to them come back to the socket that asked.
//!
//! Two programs of the interface's traffic control, which see what the kernel's stack sends and
//! gets. What is not of a probe costs a look-up.

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

use aya_ebpf::bindings::{BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR, TC_ACT_SHOT, TC_ACT_UNSPEC};
use aya_ebpf::btf_maps::LruHashMap;
use aya_ebpf::helpers::{
    bpf_csum_diff, bpf_csum_update, bpf_get_socket_cookie, bpf_ktime_get_ns, bpf_sk_fullsock,
};
use aya_ebpf::macros::{btf_map, classifier};
use aya_ebpf::programs::TcContext;
use lb_common::probe::{Address, Answer, Asked, Talk, asked_for};
use lb_ebpf::parse::{IPV4, IPV6};
use lb_ebpf::translate::{self, Head4, Head6, IP, Packet, Ports, TCP, UDP, V4_CHECKSUM, opens};

/// The daemon sets what its checks need.
const ROOM: usize = 1 << 12;
/// Of virtual addresses, and of servers.
const HOSTS: usize = 1 << 14;

#[btf_map(name = "probes")]
static PROBES: LruHashMap<u64, Address, ROOM> = LruHashMap::new();

#[btf_map(name = "answers")]
static ANSWERS: LruHashMap<Answer, Address, ROOM> = LruHashMap::new();

#[btf_map(name = "talks")]
static TALKS: LruHashMap<Talk, Asked, ROOM> = LruHashMap::new();

/// Packets from other addresses than these have nothing to do with probes.
#[btf_map(name = "asked_for")]
static ASKED_FOR: LruHashMap<Address, u32, HOSTS> = LruHashMap::new();

/// MACs of servers that were asked.
#[btf_map(name = "servers")]
static SERVERS: LruHashMap<u64, u32, HOSTS> = LruHashMap::new();

#[classifier]
fn lvx_probe_out(context: TcContext) -> i32 {
    // Whatever it was, others decide what becomes of the packet.
    let _ = outwards(&context);
    TC_ACT_UNSPEC
}

#[classifier]
fn lvx_probe_in(context: TcContext) -> i32 {
    match inwards(&context) {
        Some(Inwards::Refused) => TC_ACT_SHOT,
        Some(Inwards::Translated) | None => TC_ACT_UNSPEC,
    }
}

#[inline(always)]
fn outwards(context: &TcContext) -> Option<()> {
    let skb = context.skb.skb;
    // SAFETY: the context is this program's own.
    let cookie = unsafe { bpf_get_socket_cookie(skb.cast()) };
    // SAFETY: the daemon writes an entry once, before its socket sends.
    let wanted = unsafe { PROBES.get(cookie) }.copied();
    let speaker = match wanted {
        Some(_) => Speaker::Probe,
        None => speaker(context)?,
    };
    let packet = read(context)?;
    let ports = ports(context, &packet)?;
    let address = match (speaker, wanted) {
        (Speaker::Probe, address) => {
            note(context, &packet, ports, address?)?;
            address?
        }
        (Speaker::Kernel, _) => talk(&packet, ports)?,
        (Speaker::Datagrams, _) => return forget(&packet, ports),
    };
    let at = packet.destination_at();
    replace(context, &packet, at, packet.destination, address)
}

/// What the connection of a packet asks for.
#[inline(always)]
fn talk(packet: &Packet, ports: Ports) -> Option<Address> {
    // SAFETY: an entry is written once, when its connection opens.
    let asked = *unsafe { TALKS.get(packet.talk(ports)) }?;
    // SAFETY: it reads a clock.
    let over = asked.is_over(unsafe { bpf_ktime_get_ns() });
    (!over).then_some(asked.address)
}

/// Whose packet it is, as far as that counts.
#[derive(Clone, Copy)]
enum Speaker {
    Probe,
    /// Kernels before 6.13 answer for a connection that has ended, and reset one, from a raw socket
    /// of their own, whose cookie says nothing.
    Kernel,
    /// A socket of datagrams, which may have the port that a probe had.
    Datagrams,
}

#[inline(always)]
fn speaker(context: &TcContext) -> Option<Speaker> {
    const SOCK_DGRAM: u32 = 2;
    const SOCK_RAW: u32 = 3;
    let skb = context.skb.skb;
    // SAFETY: the context is this program's own, and the field a pointer that the verifier knows.
    let socket = unsafe { (*skb).__bindgen_anon_2.sk };
    if socket.is_null() {
        return None;
    }
    // SAFETY: it is a socket.
    let socket = unsafe { bpf_sk_fullsock(socket) };
    if socket.is_null() {
        return None;
    }
    // SAFETY: it is a socket with all its fields.
    let (kind, protocol) = unsafe { ((*socket).type_, (*socket).protocol) };
    if kind == SOCK_RAW && protocol == u32::from(TCP) {
        return Some(Speaker::Kernel);
    }
    (kind == SOCK_DGRAM && protocol == u32::from(UDP)).then_some(Speaker::Datagrams)
}

/// Another exchange begins where a probe's was.
#[inline(always)]
fn forget(packet: &Packet, ports: Ports) -> Option<()> {
    // SAFETY: the value is an integer that is written once.
    unsafe { ASKED_FOR.get(packet.destination) }?;
    TALKS.remove(packet.talk(ports)).ok()
}

/// Remembers how the answer will look. Of a connection, the first packet says all there is to say.
#[inline(always)]
fn note(context: &TcContext, packet: &Packet, ports: Ports, address: Address) -> Option<()> {
    if packet.protocol == TCP {
        let flags: u8 = context.load(packet.transport + 13).ok()?;
        if !opens(flags) {
            return Some(());
        }
    } else {
        ASKED_FOR
            .insert(packet.destination, asked_for::OWN, 0)
            .ok()?;
    }
    // SAFETY: it reads a clock.
    let at = unsafe { bpf_ktime_get_ns() };
    let asked = Asked { at, address };
    TALKS.insert(packet.talk(ports), asked, 0).ok()?;
    let mac = mac(context, DESTINATION)?;
    let mut answer = packet.answer(ports, address, mac);
    ANSWERS.insert(answer, packet.destination, 0).ok()?;
    answer.mac = ANY_MAC;
    ANSWERS.insert(answer, packet.destination, 0).ok()?;
    SERVERS.insert(mac, 1, 0).ok()?;
    ASKED_FOR.insert(address, asked_for::VIRTUAL, 0).ok()
}

const ANY_MAC: u64 = 0;
/// Where the MACs lie in a frame.
const DESTINATION: usize = 0;
const SOURCE: usize = 6;

#[inline(always)]
fn mac(context: &TcContext, at: usize) -> Option<u64> {
    // With the two bytes that follow, which are there in every frame.
    Some(u64::from_be(context.load(at).ok()?) >> 16)
}

/// What became of a packet that has to do with a probe.
enum Inwards {
    Translated,
    Refused,
}

#[inline(always)]
fn inwards(context: &TcContext) -> Option<Inwards> {
    let packet = read(context)?;
    // SAFETY: the value is an integer that is written once.
    let from = *unsafe { ASKED_FOR.get(packet.source) }?;
    let ports = ports(context, &packet)?;
    if from == asked_for::OWN {
        if packet.protocol != UDP {
            return None;
        }
        // SAFETY: an entry is written once, when its exchange begins.
        let asked = unsafe { TALKS.get(packet.answered_talk(ports)) }?;
        // SAFETY: it reads a clock.
        let over = asked.is_over(unsafe { bpf_ktime_get_ns() });
        return (!over).then_some(Inwards::Refused);
    }
    let mac = mac(context, SOURCE)?;
    let mut answer = packet.as_answer(ports, mac);
    // SAFETY: an entry is replaced by one that says the same, or whose probe is over.
    let server = match unsafe { ANSWERS.get(answer) } {
        Some(server) => *server,
        None => {
            // Another server has no business answering: the one that was asked sent the probe on.
            // SAFETY: nobody reads the value.
            if unsafe { SERVERS.get(mac) }.is_some() {
                return None;
            }
            answer.mac = ANY_MAC;
            // SAFETY: as above.
            *unsafe { ANSWERS.get(answer) }?
        }
    };
    let at = packet.source_at();
    replace(context, &packet, at, packet.source, server)?;
    Some(Inwards::Translated)
}

#[inline(always)]
fn read(context: &TcContext) -> Option<Packet> {
    match u16::from_be(context.skb.protocol() as u16) {
        IPV4 => translate::ipv4(&context.load::<Head4>(IP).ok()?),
        IPV6 => translate::ipv6(&context.load::<Head6>(IP).ok()?),
        _ => None,
    }
}

#[inline(always)]
fn ports(context: &TcContext, packet: &Packet) -> Option<Ports> {
    Some(Ports::read(context.load(packet.transport).ok()?))
}

/// Puts an address in the place of another, and sets the checksums right. When the first step
/// fails, the packet is as it was.
#[inline(always)]
fn replace(
    context: &TcContext,
    packet: &Packet,
    at: usize,
    old: Address,
    new: Address,
) -> Option<()> {
    const V4_PREFIX: usize = 12;
    let (mut old, mut new) = (old.bytes, new.bytes);
    let skip = if packet.ipv4 { V4_PREFIX } else { 0 };
    let size = (old.len() - skip) as u32;
    // SAFETY: both ranges lie in the arrays.
    let difference = unsafe {
        let old = old.as_mut_ptr().add(skip).cast();
        let new = new.as_mut_ptr().add(skip).cast();
        bpf_csum_diff(old, size, new, size, 0)
    };
    let difference = u64::from(u32::try_from(difference).ok()?);
    let mut flags = u64::from(BPF_F_PSEUDO_HDR);
    if packet.protocol == UDP {
        // 0 is a datagram without a checksum, which stays so.
        flags |= u64::from(BPF_F_MARK_MANGLED_0);
    }
    let checksum = packet.checksum();
    context
        .l4_csum_replace(checksum, 0, difference, flags)
        .ok()?;
    if packet.ipv4 {
        let [.., a, b, c, d] = new;
        context
            .l3_csum_replace(V4_CHECKSUM, 0, difference, 0)
            .ok()?;
        return context.store(at, &[a, b, c, d], 0).ok();
    }
    // A NIC may have summed up the whole packet. The address and the checksum over it change that
    // sum by nothing; the helper, which thinks of IPv4, takes the difference from it. Fails where
    // there is no such sum.
    // SAFETY: the context is this program's own.
    let _ = unsafe { bpf_csum_update(context.skb.skb, difference as u32) };
    context.store(at, &new, 0).ok()
}

lb_ebpf::program_object!();
