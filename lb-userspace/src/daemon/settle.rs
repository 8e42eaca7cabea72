//! Bringing the kernel to what follows from all that is known.

use std::time::{Duration, Instant, SystemTime};

use crate::config::PlaneChoice;
use crate::events::{Event, Kind};
use crate::vrrp;

use super::{Daemon, DaemonError, NO_PLANE, log};

/// After a failure of the kernel to take a change, it is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

impl Daemon {
    /// Brings the kernel to what follows from all that is known now.
    ///
    /// Addresses leave before the services close and come after they have opened: an address
    /// without its services makes the kernel reset connections.
    pub(super) async fn settle(&mut self) -> Result<(), DaemonError> {
        let now = Instant::now();
        self.control.expire(now);
        if self.keep_orders().is_err() {
            self.retry(now + RETRY);
        }
        self.unrest.stir_if(self.control.is_touched());
        let changes = self.control.take_transitions(now, SystemTime::now());
        self.changes.extend(changes);
        self.follow_devices().await;
        self.guard_addresses().await;
        let addresses = self.control.addresses();
        self.remove_addresses(&addresses).await;
        // Only after the start. The first time in any case: what is in the maps is to be ours.
        if self.warming && !self.control.is_warming(now) {
            self.warming = false;
            self.unrest.stir();
        }
        // Devices and addresses were looked after meanwhile.
        self.unrest.stir_if(self.control.is_touched());
        let settles = self.unrest.settles(now);
        if std::mem::take(&mut self.fresh) || settles && !self.warming {
            self.apply().await;
        }
        if !self.kernel.ready && self.control.waits_for_plane(now) {
            self.open_planes()?;
            self.apply().await;
        }
        self.add_addresses(addresses).await;
        let unfit = self.control.unfit();
        for instance in unfit.difference(&self.unfit) {
            let text = format!("{instance}: mastership refused: {NO_PLANE}; see `lvx status`");
            self.journal
                .tell(Event::new(Kind::Failure, text).instance(instance));
        }
        self.unfit = unfit;
        self.stand();
        for instance in self.control.take_unfit() {
            self.vrrp.send(vrrp::Command::Stop { instance });
        }
        for instance in self.control.take_announcements() {
            self.vrrp.send(vrrp::Command::Announce { instance });
        }
        for instance in self.control.take_ready(now) {
            self.vrrp.send(vrrp::Command::Start { instance });
        }
        self.tell_changes();
        self.tell_news();
        self.checks.lead(self.control.leading());
        if let Err(error) = self.kernel.follow_sync(&self.control).await {
            tracing::error!(%error, "connection sync");
            self.retry(now + RETRY);
        }
        self.follow_accept().await;
        self.tell_systemd();
        if settles {
            self.tell_hosts();
            // Last: it may take milliseconds, and nobody waits for it but checks.
            self.open_checks();
        }
        Ok(())
    }

    fn tell_hosts(&self) {
        let wanted = self.control.wanted_hosts();
        self.hosts.send_if_modified(|hosts| {
            let changed = *hosts != wanted;
            *hosts = wanted;
            changed
        });
    }

    async fn apply(&mut self) {
        let applied = self.kernel.apply(&self.control).await;
        let verdicts = std::mem::take(&mut self.verdicts);
        match applied {
            Ok(()) => {
                let in_kernel = Instant::now();
                let changes = std::mem::take(&mut self.changes);
                for event in log::servers(&verdicts, changes, &self.control, in_kernel) {
                    self.journal.tell(event);
                }
            }
            Err(error) => {
                tracing::error!(%error, "the data planes are not as they should be; trying again");
                self.verdicts = verdicts;
                self.retry(Instant::now() + RETRY);
            }
        }
    }

    /// Attaches the program for the first time, and lets IPVS follow.
    pub(super) fn open_planes(&mut self) -> Result<(), DaemonError> {
        self.kernel.ready = true;
        match self.kernel.attach_all(&mut self.control) {
            // The ladder goes on downwards.
            Err(_) if self.control.config().global.dataplane == PlaneChoice::Auto => Ok(()),
            result => Ok(result?),
        }
    }
}
