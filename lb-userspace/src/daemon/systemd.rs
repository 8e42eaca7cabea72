//! What systemd is told (sd_notify(3)); without it, nothing happens.

use std::time::{Duration, Instant};

use sd_notify::NotifyState;

use crate::vrrp::State;

use super::Daemon;

/// The protocol's thread looks at its interfaces every second at least.
const PROTOCOL_LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Systemd {
    /// systemd wants signs of life.
    watched: bool,
    status: String,
    /// How often the protocol's thread had come round, and when that was seen first.
    beat: (u64, Instant),
}

impl Systemd {
    pub(super) fn new() -> Self {
        Self {
            watched: sd_notify::watchdog_enabled().is_some(),
            status: String::new(),
            beat: (0, Instant::now()),
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd does not listen");
    }
}

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no clock"),
    }
}

impl Daemon {
    /// A sign of life of the main loop, if the protocol's thread lives, too.
    pub(super) fn beat(&mut self) {
        let systemd = &mut self.systemd;
        if !systemd.watched {
            return;
        }
        let (now, beat) = (Instant::now(), self.vrrp.beat());
        if beat != systemd.beat.0 {
            systemd.beat = (beat, now);
        }
        if now.saturating_duration_since(systemd.beat.1) < PROTOCOL_LIMIT
            && !self.vrrp.is_finished()
        {
            tell(&[NotifyState::Watchdog]);
        } else {
            tracing::error!("the VRRP thread hangs: systemd's watchdog will restart lvx");
        }
    }

    /// The line of `systemctl status`, when it changed.
    pub(super) fn tell_systemd(&mut self) {
        let instances = self.control.config().vrrp.iter();
        let states = instances.map(|vrrp| {
            let state = self.control.instance(&vrrp.name);
            let state = state.map_or(State::Initialize, |instance| instance.state);
            format!("{} {state}", vrrp.name)
        });
        let status = states.collect::<Vec<_>>().join(", ");
        if status != self.systemd.status {
            tell(&[NotifyState::Status(&status)]);
            self.systemd.status = status;
        }
    }
}
