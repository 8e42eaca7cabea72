//! Bodies and datagrams, compared with what is wanted: `cargo xtask fuzz body`.

#![no_main]

use std::sync::LazyLock;

use lb_userspace::config::{BodyWanted, Hex, Pattern, ReplyWanted};
use lb_userspace::health::wire;
use libfuzzer_sys::fuzz_target;

static BODIES: LazyLock<[BodyWanted; 3]> = LazyLock::new(|| {
    let pattern = Pattern::new("(?i)status: *(ok|up)").expect("a pattern");
    [
        BodyWanted::Contains("ok".to_owned()),
        BodyWanted::Matches(pattern),
        BodyWanted::Sha256([0; 32]),
    ]
});

static REPLY: LazyLock<ReplyWanted> = LazyLock::new(|| ReplyWanted {
    hex: Hex::parse("80 0X XX"),
    contains: Some("ok".to_owned()),
    min_length: 4,
    max_length: 64,
});

fuzz_target!(|data: &[u8]| {
    let Some((&cut, data)) = data.split_first() else {
        return;
    };
    let cut = usize::from(cut).max(1);
    for wanted in &*BODIES {
        let parts = wire::body(data.chunks(cut), wanted);
        assert_eq!(parts, wire::body([data].into_iter(), wanted));
    }
    if REPLY.judge(data).is_ok() {
        assert!(data[0] == 0x80 && (4..=64).contains(&data.len()));
    }
});
