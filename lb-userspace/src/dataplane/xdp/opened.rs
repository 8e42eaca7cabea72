//! Samples of connections in the program's map.

use std::collections::{BTreeMap, BTreeSet};

use lb_common::opened::Moment;

use super::super::opened::{self, Seen, Server};
use super::Xdp;

impl Xdp {
    /// What became of sampled connections since the last look. To be called about twice a second:
    /// a place is in use until it was looked at.
    pub fn look_at_opened(&self) -> Vec<(Server, Seen)> {
        let seen = opened::look(self.state.samples(), monotonic());
        if seen.is_empty() {
            return Vec::new();
        }
        let named: BTreeSet<u32> = seen.iter().map(|(id, _)| *id).collect();
        let servers = self.applied.services().flat_map(|(key, _)| {
            let servers = self.applied.counters(key);
            servers.map(|(address, id)| (id, (*key, address)))
        });
        let servers = servers.filter(|(id, _)| named.contains(id));
        let servers: BTreeMap<u32, Server> = servers.collect();
        let known = |(id, seen): (u32, Seen)| Some((*servers.get(&id)?, seen));
        seen.into_iter().filter_map(known).collect()
    }
}

/// The clock of the program's samples.
fn monotonic() -> Moment {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a live timespec, and a clock that every kernel has: it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Moment::from_nanoseconds(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}
