//! The XDP program: parse, find the service, choose the real server, rewrite, send.

#![cfg_attr(target_arch = "bpf", no_std)]
#![cfg_attr(target_arch = "bpf", no_main)]

mod count;
mod forward;
mod maps;

use aya_ebpf::bindings::xdp_action::{XDP_PASS, XDP_REDIRECT, XDP_TX};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;

use forward::Verdict;

/// The one place where a decision becomes an XDP action.
#[xdp]
fn lvx(context: XdpContext) -> u32 {
    match forward::forward(&context) {
        Verdict::Transmit => XDP_TX,
        Verdict::Redirect => XDP_REDIRECT,
        Verdict::Pass(reason) => {
            count::passed(reason);
            XDP_PASS
        }
    }
}

lb_ebpf::program_object!();
