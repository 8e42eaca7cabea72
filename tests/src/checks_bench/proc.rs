//! What a process uses, by /proc.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::vrrp_lab::process::processor_time;

/// At a moment, or between two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    at: Instant,
    /// Between the two.
    pub(super) wall: Duration,
    /// Of all its threads, the kernel's work for them and the softirqs that their system calls
    /// brought about among it.
    pub(super) processor: Duration,
    /// Most memory so far, in KiB.
    pub(super) memory: u64,
    pub(super) files: usize,
}

impl Usage {
    pub(super) fn of(process: u32) -> Result<Self> {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).context("threads")?;
        let mut processor = Duration::ZERO;
        for task in tasks {
            let name = task?.file_name();
            let thread = name.to_string_lossy().parse().context("a thread's id")?;
            // One that has just ended used next to nothing.
            processor += processor_time(thread).unwrap_or_default();
        }
        let status = fs::read_to_string(format!("/proc/{process}/status")).context("status")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let memory = memory.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        let files = fs::read_dir(format!("/proc/{process}/fd")).context("open files")?;
        Ok(Self {
            at: Instant::now(),
            wall: Duration::ZERO,
            processor,
            memory: memory.context("VmHWM")?,
            files: files.count(),
        })
    }

    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            wall: self.at - before.at,
            processor: self.processor.saturating_sub(before.processor),
            ..*self
        }
    }
}
