//! Who claims an address, in ARP and neighbour discovery: `cargo xtask fuzz frames`.

#![no_main]

use lb_userspace::vrrp::frame::{arp, ndp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(claim) = arp::claim(data) {
        assert!(claim.address.is_ipv4());
    }
    if let Some(claim) = ndp::claim(data) {
        assert!(claim.address.is_ipv6());
    }
});
