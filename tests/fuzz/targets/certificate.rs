//! When certificates of servers expire: `cargo xtask fuzz certificate`.

#![no_main]

use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = wire::expires(data);
});
