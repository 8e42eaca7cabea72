//! Reload: check first, change only what differs, or nothing at all.

use std::time::{Instant, SystemTime};

use crate::api::shape::Reloaded;
use crate::config::{self, Global};
use crate::control::Control;
use crate::events::{Event, Kind, Level};

use super::{Daemon, devices, systemd};

impl Daemon {
    /// Reads the file again and goes over to it. If anything is wrong with it, nothing changes.
    pub(super) async fn reload(&mut self) -> Result<Reloaded, String> {
        systemd::reloading();
        let result = self.try_reload().await;
        systemd::ready();
        match &result {
            Ok(reloaded) => {
                let text = if reloaded.changed {
                    "configuration reloaded"
                } else {
                    "configuration reloaded: it is the same as before"
                };
                let event = Event::new(Kind::Reload, text).field("changed", reloaded.changed);
                self.journal.tell(event);
                self.source.loaded_at = SystemTime::now();
                self.source.error = None;
            }
            Err(error) => {
                let text = format!("reload refused, the old configuration stays in force: {error}");
                self.journal
                    .tell(Event::new(Kind::Reload, text).level(Level::Error));
                self.source.error = Some(error.clone());
            }
        }
        result
    }

    async fn try_reload(&mut self) -> Result<Reloaded, String> {
        let new = config::load(&self.source.path).map_err(|errors| errors.to_string())?;
        let old = self.control.config();
        if *old == new {
            return Ok(Reloaded { changed: false });
        }
        if let Some(key) = needs_restart(&old.global, &new.global) {
            return Err(format!(
                "[global] {key} cannot change while lvx runs: restart it, or undo the change"
            ));
        }
        let before = self.control.clone();
        self.control.configure(new, Instant::now());
        if let Err(error) = self.claim_interfaces().await {
            let tried = std::mem::replace(&mut self.control, before);
            self.release_interfaces(&tried);
            return Err(error);
        }
        self.release_interfaces(&before);
        // Instances advertise through them.
        self.follow_devices().await;
        self.configure();
        Ok(Reloaded { changed: true })
    }

    /// Attaches the program to interfaces that the new configuration adds.
    async fn claim_interfaces(&mut self) -> Result<(), String> {
        self.refresh_links().await;
        if let Some(name) = self.control.missing_interface() {
            return Err(format!("interface {name} does not exist: see `ip link`"));
        }
        devices::refusal(&self.control).map_err(|error| error.to_string())?;
        if self.kernel.attached.is_empty() {
            // Before the first start, which will attach them all, or without XDP.
            return Ok(());
        }
        let attached = self.kernel.attach_all(&mut self.control);
        attached.map_err(|error| error.to_string())
    }

    /// Takes the program off the interfaces of `other` that the configuration in force does not
    /// name.
    fn release_interfaces(&mut self, other: &Control) {
        let kept = self.control.interfaces();
        for name in other.interfaces().difference(&kept) {
            self.kernel.detach(name);
        }
    }
}

/// The first key that was changed and is read at the start only.
fn needs_restart(old: &Global, new: &Global) -> Option<&'static str> {
    [
        ("bpffs", old.bpffs == new.bpffs),
        ("runtime_dir", old.runtime_dir == new.runtime_dir),
        ("state_dir", old.state_dir == new.state_dir),
        ("dataplane", old.dataplane == new.dataplane),
        ("table_size", old.table_size == new.table_size),
        ("maps", old.maps == new.maps),
        ("passive_sample", old.passive_sample == new.passive_sample),
        ("program_log", old.program_log == new.program_log),
        ("realtime", old.realtime == new.realtime),
    ]
    .into_iter()
    .find_map(|(key, same)| (!same).then_some(key))
}
