//! The end of a daemon: handing over, and leaving nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::vrrp;

use super::{ALERT_LIMIT, Daemon, DaemonError, NOTIFY_LIMIT, log, systemd};

/// A stop does not wait longer for another director to take over.
const HANDOVER_LIMIT: Duration = Duration::from_secs(3);
/// On top of an advertisement interval, in which a backup takes over after priority 0.
const HANDOVER_SLACK: Duration = Duration::from_millis(500);

impl Daemon {
    /// Mastership was given up: sets when to stop waiting for a successor. The second time, it
    /// stops at once.
    pub(super) fn stop(&mut self) {
        let now = Instant::now();
        if self.deadline.is_some() {
            self.deadline = Some(now);
            return;
        }
        tracing::info!("stopping: handing over to another director");
        systemd::stopping();
        let intervals = self.control.config().vrrp.iter().map(|v| v.advert_interval);
        let longest = intervals.max().unwrap_or_default();
        self.deadline = Some(now + (longest + HANDOVER_SLACK).min(HANDOVER_LIMIT));
    }

    /// Removes all that this director put into the kernel.
    pub(super) async fn finish(mut self) -> Result<(), DaemonError> {
        self.vrrp.send(vrrp::Command::Exit);
        self.control.release();
        self.remove_addresses(&BTreeSet::new()).await;
        self.remove_devices().await;
        self.remove_filter().await;
        let removed = self.kernel.remove().await;
        self.journal.tell(log::stopped());
        tokio::join!(
            self.notify.finish(NOTIFY_LIMIT),
            self.alerts.finish(ALERT_LIMIT)
        );
        removed
    }
}
