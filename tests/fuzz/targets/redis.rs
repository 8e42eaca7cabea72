//! Answers of Redis, and what is read in them: `cargo xtask fuzz redis`.

#![no_main]

use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // What was read needs nothing that stands behind it.
    if let Some(length) = wire::redis(data) {
        assert_eq!(wire::redis(&data[..length]), Some(length));
    }
});
