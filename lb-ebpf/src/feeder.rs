//! Programs for the benchmark: a feeder that gives each run another flow's packet, and the bare
//! programs beside which the real one is measured.
//!
//! `BPF_PROG_TEST_RUN` with repeat hands a program its own output again, and always the same
//! flow: so the feeder writes the headers anew and picks a flow before it tail-calls the program
//! under test.

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

use aya_ebpf::bindings::xdp_action::{XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX};
use aya_ebpf::btf_maps::{Array, ProgramArray};
use aya_ebpf::macros::{btf_map, xdp};
use aya_ebpf::programs::XdpContext;
use lb_common::feed::{Feed, ODD, V4_CLIENT, V4_HEADERS, V6_CLIENT, V6_HEADERS};
use lb_ebpf::frame::Frame;

#[btf_map(name = "feed")]
static FEED: Array<Feed, 1> = Array::new();

/// Index 0: the program under test.
#[btf_map(name = "under_test")]
static UNDER_TEST: ProgramArray<1> = ProgramArray::new();

#[xdp]
fn feeder(context: XdpContext) -> u32 {
    serve::<V4_HEADERS>(&context, V4_CLIENT)
}

/// The same for IPv6.
#[xdp]
fn feeder_v6(context: XdpContext) -> u32 {
    serve::<V6_HEADERS>(&context, V6_CLIENT)
}

/// Hands the next flow's packet to the program under test.
#[inline(always)]
fn serve<const HEADERS: usize>(context: &XdpContext, client: usize) -> u32 {
    if feed::<HEADERS>(context, client).is_some() {
        // SAFETY: the context is this program's own.
        unsafe { UNDER_TEST.tail_call(context, 0) };
    }
    XDP_ABORTED
}

/// All of the frame, from `data` to `data_end`.
#[inline(always)]
fn frame(context: &XdpContext) -> Frame<'_> {
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    unsafe { Frame::new(context.data(), context.data_end()) }
}

/// Makes the frame the next flow's, whose client is told by four bytes at `offset`.
#[inline(always)]
fn feed<const HEADERS: usize>(context: &XdpContext, offset: usize) -> Option<()> {
    let feed = FEED.get_ptr_mut(0)?;
    let headers = frame(context).at::<[u8; HEADERS]>(0)?;
    // SAFETY: the benchmark runs on one CPU at a time, so nobody else changes the entry.
    let feed = unsafe { &mut *feed };
    feed.counter = feed.counter.wrapping_add(1);
    let flow = feed.counter.wrapping_mul(ODD) & feed.mask;
    let client = feed.client.wrapping_add(flow).to_be_bytes();
    let template = feed.template.first_chunk::<HEADERS>()?;
    // SAFETY: inside the frame, which XDP programs may write; arrays of bytes need no alignment.
    unsafe {
        copy::<HEADERS>(template.as_ptr(), headers.cast());
        headers.byte_add(offset).cast::<[u8; 4]>().write(client);
    }
    Some(())
}

/// Copies two bytes, and all others in words that are aligned as the IP header is. Each field that
/// a program reads then lies in one piece: reading what was written in several ones just before
/// stalls the processor, as reading what a NIC has written does not.
///
/// # Safety
/// Both have `HEADERS` bytes, two more than a multiple of four, and do not overlap.
#[inline(always)]
unsafe fn copy<const HEADERS: usize>(from: *const u8, to: *mut u8) {
    const FIRST: usize = 2;
    const WORD: usize = 4;
    // SAFETY: as the caller says; BPF code needs no alignment. Volatile writes stay as they are.
    unsafe {
        let piece = from.cast::<u16>().read_unaligned();
        to.cast::<u16>().write_volatile(piece);
        for offset in (FIRST..HEADERS).step_by(WORD) {
            let piece = from.add(offset).cast::<u32>().read_unaligned();
            to.add(offset).cast::<u32>().write_volatile(piece);
        }
    }
}

/// Sends each flow's packet in turn: with live frames, the traffic of a whole lab. A network stack
/// looks at the header's checksum, so the template's is the sum of all that stays the same.
#[xdp]
fn generator(context: XdpContext) -> u32 {
    match feed::<V4_HEADERS>(&context, V4_CLIENT).and_then(|()| add_client_to_checksum(&context)) {
        Some(()) => XDP_TX,
        None => XDP_ABORTED,
    }
}

/// RFC 1071, for the checksum and the client's address, which follows it.
#[inline(always)]
fn add_client_to_checksum(context: &XdpContext) -> Option<()> {
    let pointer = frame(context).at::<[u8; 6]>(V4_CLIENT - 2)?;
    // SAFETY: inside the frame; arrays of bytes need no alignment.
    let [a, b, c, d, e, f] = unsafe { pointer.read() };
    let words = [[a, b], [c, d], [e, f]].map(|word| u32::from(u16::from_be_bytes(word)));
    let [constant, high, low] = words;
    let sum = constant + high + low;
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let [high, low] = (!(sum as u16)).to_be_bytes();
    // SAFETY: as above, and XDP programs may write to the frame.
    unsafe { pointer.write([high, low, c, d, e, f]) };
    Some(())
}

/// The director that does nothing, and the end of a lab's way.
#[xdp]
fn bare_drop(_context: XdpContext) -> u32 {
    XDP_DROP
}

/// What every program that sends frames back has to pay.
#[xdp]
fn bare_tx(_context: XdpContext) -> u32 {
    XDP_TX
}

/// What every program that leaves frames alone has to pay.
#[xdp]
fn bare_pass(_context: XdpContext) -> u32 {
    XDP_PASS
}

/// The least that a director does.
#[xdp]
fn bare_swap(context: XdpContext) -> u32 {
    let Some(header) = frame(&context).at::<[[u8; 6]; 2]>(0) else {
        return XDP_ABORTED;
    };
    // SAFETY: inside the frame, which XDP programs may write; arrays of bytes need no alignment.
    unsafe {
        let [destination, source] = header.read();
        header.write([source, destination]);
    }
    XDP_TX
}

/// The first stage of the path: parsing.
#[xdp]
fn stage_parse(context: XdpContext) -> u32 {
    match stages::parse(&frame(&context)) {
        Some(_) => XDP_TX,
        None => XDP_ABORTED,
    }
}

/// Parsing, and where the service is in the index.
#[xdp]
fn stage_places(context: XdpContext) -> u32 {
    let frame = frame(&context);
    match stages::parse(&frame) {
        Some(packet) => stages::tell(&frame, packet.service.places()[0]),
        None => XDP_ABORTED,
    }
}

/// Parsing, and the number of the client's slot.
#[xdp]
fn stage_slot(context: XdpContext) -> u32 {
    let frame = frame(&context);
    match stages::parse(&frame) {
        Some(packet) => stages::tell(&frame, stages::slot_of(&packet)),
        None => XDP_ABORTED,
    }
}

/// Parts of the program that need no map, to be measured by themselves.
mod stages {
    use super::*;
    use core::num::NonZeroU32;
    use lb_common::hash::word_of;
    use lb_common::maglev::{TableSize, slot};
    use lb_ebpf::parse::{IPV4, Packet, ethertype, plain_ipv4, rest_of_ipv4};

    const SIZE: NonZeroU32 = TableSize::DEFAULT.slots();

    #[inline(always)]
    pub(super) fn parse(frame: &Frame<'_>) -> Option<Packet> {
        if ethertype(frame)? != IPV4 {
            return None;
        }
        rest_of_ipv4(frame, &plain_ipv4(frame)?)
    }

    #[inline(always)]
    pub(super) fn slot_of(packet: &Packet) -> u32 {
        slot(word_of(packet.client, 0), SIZE)
    }

    /// Writes the result, so that it is not left out as of no use.
    #[inline(always)]
    pub(super) fn tell(frame: &Frame<'_>, result: u32) -> u32 {
        match frame.at::<[u8; 4]>(0) {
            Some(start) => {
                // SAFETY: inside the frame; arrays of bytes need no alignment.
                unsafe { start.write(result.to_ne_bytes()) };
                XDP_TX
            }
            None => XDP_ABORTED,
        }
    }
}

lb_ebpf::program_object!();
