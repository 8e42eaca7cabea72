//! Lines of the control socket: `cargo xtask fuzz request`.

#![no_main]

use lb_userspace::api::shape::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = str::from_utf8(data) else {
        return;
    };
    if let Err(words) = Request::read(line) {
        assert!(!words.is_empty());
    }
});
