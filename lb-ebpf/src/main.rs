//! The XDP program: parse, find the service, choose the real server, rewrite, send.
//!
//! `fast` does that for packets and services without anything special, which is nearly all of
//! them; it leaves the others to `slow`, a function of its own, so that they cost it nothing.

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

mod choose;
mod count;
mod egress;
mod fast;
mod log;
mod maps;
mod opened;
mod records;
mod schedule;
mod service;
mod slow;
mod trace;

use aya_ebpf::bindings::xdp_action::{XDP_PASS, XDP_REDIRECT, XDP_TX};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use lb_common::reason::Reason;

/// What becomes of a packet.
enum Verdict {
    /// Back out of the interface it came from.
    Transmit,
    /// Out of another interface.
    Redirect,
    /// To the kernel.
    Pass(Reason),
}

/// The one place where a decision becomes an XDP action.
#[inline(always)]
fn carry_out(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Transmit => XDP_TX,
        Verdict::Redirect => XDP_REDIRECT,
        Verdict::Pass(reason) => {
            count::passed(reason);
            XDP_PASS
        }
    }
}

#[xdp]
fn lvx(context: XdpContext) -> u32 {
    match fast::forward(&context) {
        Some(verdict) => carry_out(verdict),
        None => slow::whole(context.ctx),
    }
}

/// For frames of several buffers: MTUs larger than a page. Headers are in the first one.
#[xdp(frags)]
fn lvx_frags(context: XdpContext) -> u32 {
    match fast::forward(&context) {
        Some(verdict) => carry_out(verdict),
        None => slow::in_pieces(context.ctx),
    }
}

lb_ebpf::program_object!();
