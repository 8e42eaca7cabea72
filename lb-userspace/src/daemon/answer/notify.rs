//! Notifications in `lvx status`, and `lvx notify test`.

use std::time::UNIX_EPOCH;

use crate::alert::{Standing, Verdict};
use crate::api::shape::{Notify, NotifyTarget, NotifyTest, NotifyTested};

use super::Daemon;

impl Daemon {
    pub(super) fn notify_status(&self) -> Notify {
        let (scripts, (lines, lines_lost)) = self.notify.counts();
        let targets = self.alerts.standings().into_iter();
        Notify {
            scripts: scripts.runs,
            scripts_failed: scripts.failed,
            superseded: scripts.superseded,
            lines,
            lines_lost,
            targets: targets.map(target).collect(),
        }
    }

    /// The test goes on by itself: nothing here waits for a target.
    pub(super) fn notify_test(&mut self, name: Option<&str>) -> Result<NotifyTest, String> {
        let (test, within) = self.alerts.test(name)?;
        let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        Ok(NotifyTest { test, within })
    }

    pub(super) fn notify_tested(&self, test: u64) -> Result<Vec<NotifyTested>, String> {
        let verdicts = self.alerts.tested(test)?.into_iter();
        Ok(verdicts.map(tested).collect())
    }
}

fn target(standing: Standing) -> NotifyTarget {
    let last_success = standing.last_success;
    let warnings = standing.warnings.into_iter();
    let since_1970 = last_success.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    NotifyTarget {
        name: standing.name,
        means: standing.means.to_owned(),
        queued: standing.queued,
        sent: standing.sent,
        failed: standing.failed,
        dropped: standing.dropped,
        last_error: standing.last_error,
        last_success: since_1970.map(|since| since.as_secs()),
        warnings: warnings.map(str::to_owned).collect(),
    }
}

fn tested(verdict: Verdict) -> NotifyTested {
    NotifyTested {
        name: verdict.name,
        means: verdict.means.to_owned(),
        ok: verdict.ended.as_ref().map(Result::is_ok),
        error: verdict.ended.and_then(Result::err),
    }
}
