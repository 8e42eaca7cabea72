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
use lb_common::feed::{CLIENT_OFFSET, Feed, ODD, TEMPLATE};
use lb_ebpf::frame::Frame;

#[btf_map(name = "feed")]
static FEED: Array<Feed, 1> = Array::new();

/// Index 0: the program under test.
#[btf_map(name = "under_test")]
static UNDER_TEST: ProgramArray<1> = ProgramArray::new();

#[xdp]
fn feeder(context: XdpContext) -> u32 {
    if feed(&context).is_some() {
        // SAFETY: the context is this program's own.
        unsafe { UNDER_TEST.tail_call(&context, 0) };
    }
    XDP_ABORTED
}

/// Makes the frame the next flow's.
#[inline(always)]
fn feed(context: &XdpContext) -> Option<()> {
    let feed = FEED.get_ptr_mut(0)?;
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    let frame = unsafe { Frame::new(context.data(), context.data_end()) };
    let headers = frame.at::<[u8; TEMPLATE]>(0)?;
    // SAFETY: the benchmark runs on one CPU at a time, so nobody else changes the entry.
    let feed = unsafe { &mut *feed };
    feed.counter = feed.counter.wrapping_add(1);
    let flow = feed.counter.wrapping_mul(ODD) & feed.mask;
    let client = feed.client.wrapping_add(flow).to_be_bytes();
    // SAFETY: inside the frame, which XDP programs may write; arrays of bytes need no alignment.
    unsafe {
        headers.write(feed.template);
        headers
            .byte_add(CLIENT_OFFSET)
            .cast::<[u8; 4]>()
            .write(client);
    }
    Some(())
}

/// Sends each flow's packet in turn: with live frames, the traffic of a whole lab. A network stack
/// looks at the header's checksum, so the template's is the sum of all that stays the same.
#[xdp]
fn generator(context: XdpContext) -> u32 {
    match feed(&context).and_then(|()| add_client_to_checksum(&context)) {
        Some(()) => XDP_TX,
        None => XDP_ABORTED,
    }
}

/// RFC 1071, for the checksum and the client's address, which follows it.
#[inline(always)]
fn add_client_to_checksum(context: &XdpContext) -> Option<()> {
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    let frame = unsafe { Frame::new(context.data(), context.data_end()) };
    let pointer = frame.at::<[u8; 6]>(CLIENT_OFFSET - 2)?;
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

lb_ebpf::program_object!();
