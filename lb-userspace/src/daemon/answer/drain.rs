//! `lvx drain` and `lvx undrain`.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::api::shape::Drained;
use crate::config::DRAIN_DEADLINES;

use super::Daemon;

impl Daemon {
    pub(super) fn drain(
        &mut self,
        service: &str,
        server: IpAddr,
        deadline: Option<u64>,
    ) -> Result<Drained, String> {
        let deadline = deadline.map(Duration::from_secs);
        if deadline.is_some_and(|deadline| !DRAIN_DEADLINES.contains(&deadline)) {
            return Err("the deadline must be from 1s to 30d".to_owned());
        }
        let now = Instant::now();
        let until = self.control.drain(service, server, deadline, now);
        let until = until.map_err(|error| error.to_string())?;
        tracing::info!(service, %server, "drained by hand");
        self.drains
            .record(&self.control)
            .map_err(|error| unrecorded(&error))?;
        Ok(Drained {
            deadline: until.map(|until| until.saturating_duration_since(now).as_secs()),
        })
    }

    pub(super) fn undrain(&mut self, service: &str, server: IpAddr) -> Result<(), String> {
        let undrained = self.control.undrain(service, server, Instant::now());
        undrained.map_err(|error| error.to_string())?;
        tracing::info!(service, %server, "drained no more");
        self.drains
            .record(&self.control)
            .map_err(|error| unrecorded(&error))
    }
}

fn unrecorded(error: &io::Error) -> String {
    format!(
        "done, but a restart of the daemon would forget it: drains.json in runtime_dir cannot be \
         written: {error}"
    )
}
