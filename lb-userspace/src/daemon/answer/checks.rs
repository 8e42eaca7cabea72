//! `checks` of `lvx status`.

use std::time::Duration;

use crate::api::shape::Checks;

use super::Daemon;

impl Daemon {
    pub(super) fn checks_status(&self) -> Checks {
        let (count, load) = self.checks.load();
        Checks {
            count: count as u64,
            running: load.running,
            most_running: load.most_running,
            limit: load.limit,
            probes: load.probes,
            worst_lateness: microseconds(load.worst_lateness),
            usual_lateness: microseconds(load.usual_lateness),
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
