//! Frames of gRPC health checking: `cargo xtask fuzz grpc`.

#![no_main]

use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // A status of another number is not that of this one.
    if wire::grpc(data) {
        assert_eq!(data[0], 0, "it is compressed");
    }
});
