//! When probes start: how many at once, and how late.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::{end, files};

/// Descriptors that are not for probes: the data planes', sockets of VRRP and of the control
/// socket's clients, and pipes of scripts, whose probes have several.
const OTHERS: u64 = 2048;
/// More would not make sense of any configuration.
const MOST: u64 = 100_000;
/// Probes of checks of a second and more start on the same ten milliseconds.
const GRAIN: Duration = Duration::from_millis(10);
/// Lateness is counted in powers of two of a microsecond.
const CLASSES: usize = 32;

/// Hands out turns, and counts.
#[derive(Debug)]
pub(super) struct Turns {
    turns: Semaphore,
    limit: u32,
    /// From which grains are counted.
    epoch: Instant,
    probes: AtomicU64,
    /// Most at once.
    most: AtomicU64,
    /// In microseconds.
    worst: AtomicU64,
    /// Probes that were late by less than `1 << place` microseconds, and not by less than half of
    /// that.
    classes: [AtomicU64; CLASSES],
}

/// What `lvx status` shows of the checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Probes that run.
    pub running: u64,
    pub most_running: u64,
    /// Probes that may run at once.
    pub limit: u64,
    pub probes: u64,
    /// Between the time at which a probe should have started and that at which it did.
    pub worst_lateness: Duration,
    /// 99 % of the probes were not later than that.
    pub usual_lateness: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        Self::new(files::raise())
    }
}

impl Turns {
    /// `files`: how many may be open.
    fn new(files: u64) -> Self {
        let free = files.saturating_sub(OTHERS);
        let limit = free.saturating_sub(end::ROOM as u64).max(free / 2);
        let limit = limit.clamp(16, MOST) as u32;
        Self {
            turns: Semaphore::new(limit as usize),
            limit,
            epoch: Instant::now(),
            probes: AtomicU64::new(0),
            most: AtomicU64::new(0),
            worst: AtomicU64::new(0),
            classes: Default::default(),
        }
    }

    /// When a probe that is due at `due` shall start: up to a hundredth of its interval later,
    /// together with others. A thread that wakes up for each of them takes longer for it.
    pub(super) fn together(&self, due: Instant, interval: Duration) -> Instant {
        let grain = (interval / 100).min(GRAIN).as_nanos().max(1);
        let since = due.saturating_duration_since(self.epoch).as_nanos();
        let late = (grain - since % grain) % grain;
        // Less than a grain.
        due + Duration::from_nanos(late as u64)
    }

    /// Waits until a probe that should have started at `due`, and opens `sockets` at once, may
    /// start. That it waits is our fault and no server's: its timeout has not begun.
    pub(super) async fn take(&self, due: Instant, sockets: usize) -> Option<SemaphorePermit<'_>> {
        let wanted = u32::try_from(sockets).unwrap_or(u32::MAX);
        let turn = self.turns.acquire_many(wanted.clamp(1, self.limit)).await;
        self.record(Instant::now().saturating_duration_since(due));
        // The semaphore is never closed.
        turn.ok()
    }

    fn record(&self, late: Duration) {
        let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.probes.fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(self.running(), Ordering::Relaxed);
        self.worst.fetch_max(late, Ordering::Relaxed);
        let class = (u64::BITS - late.leading_zeros()) as usize;
        self.classes[class.min(CLASSES - 1)].fetch_add(1, Ordering::Relaxed);
    }

    fn running(&self) -> u64 {
        u64::from(self.limit).saturating_sub(self.turns.available_permits() as u64)
    }

    pub(super) fn load(&self) -> Load {
        let worst = self.worst.load(Ordering::Relaxed);
        Load {
            running: self.running(),
            most_running: self.most.load(Ordering::Relaxed),
            limit: self.limit.into(),
            probes: self.probes.load(Ordering::Relaxed),
            worst_lateness: Duration::from_micros(worst),
            usual_lateness: Duration::from_micros(self.usual().min(worst)),
        }
    }

    fn usual(&self) -> u64 {
        let classes = self
            .classes
            .each_ref()
            .map(|one| one.load(Ordering::Relaxed));
        let all: u64 = classes.iter().sum();
        let mut rest = all / 100;
        for (place, count) in classes.iter().enumerate().rev() {
            if *count > rest {
                return 1 << place;
            }
            rest -= count;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Duration = Duration::from_secs(60);

    #[test]
    fn the_limit_leaves_descriptors_for_others() {
        for (files, limit) in [
            (256, 16),
            (1024, 16),
            (4096, 1024),
            (20_000, 15_904),
            (u64::MAX, 100_000),
        ] {
            assert_eq!(Turns::new(files).load().limit, limit, "{files} files");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_start_together_and_none_is_a_hundredth_late() {
        let turns = Turns::new(0);
        let ms = Duration::from_millis;
        for interval in [ms(10), ms(250), ms(1000), Duration::from_secs(60)] {
            let mut starts = std::collections::BTreeSet::new();
            for place in 0..1000 {
                let due = turns.epoch + interval * place / 1000;
                let start = turns.together(due, interval);
                assert!(start >= due && start - due < (interval / 100).min(GRAIN));
                starts.insert(start);
            }
            assert!(interval > ms(1000) || starts.len() <= 101, "{interval:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_over_the_limit_waits_and_is_late() {
        let turns = Turns::new(0);
        let due = Instant::now();
        let mut held = Vec::new();
        for _ in 0..16 {
            held.push(turns.take(due, 1).await);
        }
        assert!(tokio::time::timeout(FAR, turns.take(due, 1)).await.is_err());
        held.pop();
        held.push(turns.take(due, 1).await);
        let load = turns.load();
        assert_eq!((load.running, load.most_running, load.probes), (16, 16, 17));
        assert_eq!(load.worst_lateness, FAR);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_more_parts_than_there_are_turns_takes_all() {
        let turns = Turns::new(0);
        let _turn = turns.take(Instant::now(), 1000).await;
        assert_eq!(turns.load().running, 16);
    }

    #[test]
    fn one_in_a_hundred_may_be_later() {
        let turns = Turns::new(0);
        for late in (0..98).map(|_| 900).chain([90_000, 1_500]) {
            turns.record(Duration::from_micros(late));
        }
        let load = turns.load();
        assert_eq!(load.worst_lateness, Duration::from_millis(90));
        assert_eq!(load.usual_lateness, Duration::from_micros(2048));
    }
}
