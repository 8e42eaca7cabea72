//! Answers to ICMP echo, with and without an IP header: `cargo xtask fuzz echo`.

#![no_main]

use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for (ipv6, header) in [(false, false), (false, true), (true, false)] {
        // Ours is in it, or it is somebody else's.
        let token = 0x6c76_7821_6563_686f_u64;
        if wire::echo(data, token, ipv6, header) {
            assert!(data.windows(8).any(|eight| eight == token.to_be_bytes()));
        }
    }
});
