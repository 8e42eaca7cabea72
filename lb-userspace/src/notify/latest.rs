//! Jobs about many subjects: those about one are done one after the other, in a task of their own,
//! and a newer one takes the place of one that waits.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::events::{Event, Journal, Kind, Level};

/// Where a subject's task finds its next job.
pub(super) type Jobs<J> = watch::Receiver<Option<J>>;

pub(super) struct Latest<K, J> {
    /// What is done, in the words of a message.
    what: &'static str,
    journal: Journal,
    tasks: JoinSet<()>,
    slots: BTreeMap<K, Slot<J>>,
}

struct Slot<J> {
    jobs: watch::Sender<Option<J>>,
    sent: u64,
}

impl<K: Ord, J> Latest<K, J> {
    pub(super) fn new(what: &'static str, journal: Journal) -> Self {
        Self {
            what,
            journal,
            tasks: JoinSet::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Never waits. `job` is given its number among those about the subject, from 1; `work` is the
    /// subject's task, which ends when there are no jobs any more.
    pub(super) fn tell<W: Future<Output = ()> + Send + 'static>(
        &mut self,
        subject: K,
        job: impl FnOnce(u64) -> J,
        work: impl FnOnce(Jobs<J>) -> W,
    ) {
        while self.tasks.try_join_next().is_some() {}
        let slot = self.slots.entry(subject).or_insert_with(|| {
            let (jobs, waiting) = watch::channel(None);
            self.tasks.spawn(work(waiting));
            Slot { jobs, sent: 0 }
        });
        slot.sent += 1;
        slot.jobs.send_replace(Some(job(slot.sent)));
    }

    /// Forgets other subjects; what they have got is still done.
    pub(super) fn retain(&mut self, wanted: impl Fn(&K) -> bool) {
        self.slots.retain(|subject, _| wanted(subject));
        while self.tasks.try_join_next().is_some() {}
    }

    /// Waits until all that was told has been done, but no longer than `limit`: what runs on then
    /// is killed.
    pub(super) async fn finish(mut self, limit: Duration) {
        self.slots.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, all).await.is_err() {
            let what = self.what;
            let text = format!("{what} took longer than {limit:?} at the end: killed");
            let event = Event::new(Kind::Notify, text).level(Level::Warn);
            self.journal.tell(event);
        }
    }
}
