//! Replies of mail servers: `cargo xtask fuzz smtp`.

#![no_main]

use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // What was read needs nothing that stands behind it.
    if let Some(length) = wire::smtp(data) {
        assert_eq!(wire::smtp(&data[..length]), Some(length));
    }
});
