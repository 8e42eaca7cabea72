//! `lvx trace`: showing decisions about single packets, while somebody reads them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lb_common::layout::ServiceKey;
use lb_common::trace::Filter;

use crate::api::shape::{TraceWanted, Traced};
use crate::config::{self, ProgramLog};
use crate::dataplane::table::service_key;
use crate::dataplane::xdp::{LogLevel, Xdp};

use super::Daemon;

mod rate;
mod shown;

use rate::Allowance;
use shown::Names;

/// A trace that nobody reads for so long is over: its reader was killed.
const UNREAD: Duration = Duration::from_secs(3);

/// The one that is running.
pub(super) struct Trace {
    number: u64,
    filter: Filter,
    allowance: Allowance,
    read_at: Instant,
}

impl Daemon {
    /// Begins a trace; its number.
    pub(super) fn start_trace(&mut self, wanted: &TraceWanted) -> Result<u64, String> {
        self.expire_trace();
        if self.trace.is_some() {
            return Err(
                "another `lvx trace` is running: end it first, there can be one".to_owned(),
            );
        }
        let services = &self.control.config().services;
        let services: Vec<_> = services
            .iter()
            .map(|service| (service.name.clone(), key(service)))
            .collect();
        let filter = shown::filter(wanted, &services)?;
        let number = since_1970().as_micros() as u64;
        let trace = Trace {
            number,
            filter,
            allowance: Allowance::new(wanted.rate, Instant::now()),
            read_at: Instant::now(),
        };
        if self.kernel.attached.is_empty() {
            return Err(
                "the XDP program is on no interface, so there is nothing to trace: \
                        `lvx status` says why"
                    .to_owned(),
            );
        }
        let xdp = xdp(&mut self.kernel.xdp)?;
        let begin = trace.allowance.first();
        tokio::task::block_in_place(|| {
            xdp.start_trace()?;
            xdp.refill_trace(&filter, |_| begin)
        })
        .map_err(|error| error.to_string())?;
        tracing::info!(rate = wanted.rate, "trace started");
        self.trace = Some(trace);
        Ok(number)
    }

    /// Packets since the last time.
    pub(super) fn read_trace(&mut self, number: u64) -> Result<Traced, String> {
        let now = Instant::now();
        let trace = current(&mut self.trace, number)?;
        trace.read_at = now;
        let xdp = xdp(&mut self.kernel.xdp)?;
        let allowance = &mut trace.allowance;
        let read = xdp.read_trace();
        xdp.refill_trace(&trace.filter, |left| allowance.refill(left, now))
            .map_err(|error| error.to_string())?;
        let events = read.map_err(|error| error.to_string())?;
        let missed = xdp.missed_trace().map_err(|error| error.to_string())?;
        let links = self.control.links().values();
        let services = &self.control.config().services;
        let names = Names {
            interfaces: links.map(|link| (link.index, link.name.as_str())).collect(),
            services: services
                .iter()
                .map(|service| (key(service), (&*service.name, service.scheduler)))
                .collect(),
            server: &|service, id| xdp.server_address(service, id),
            boot: since_1970().saturating_sub(monotonic()),
        };
        Ok(Traced {
            packets: events.iter().map(|event| names.packet(event)).collect(),
            over_rate: missed.over_rate,
            lost: missed.lost,
        })
    }

    pub(super) fn stop_trace(&mut self, number: u64) -> Result<(), String> {
        current(&mut self.trace, number)?;
        self.end_trace();
        Ok(())
    }

    /// Ends a trace whose reader is gone.
    pub(super) fn expire_trace(&mut self) {
        if let Some(trace) = &self.trace
            && trace.read_at.elapsed() >= UNREAD
        {
            tracing::info!("nobody reads the trace");
            self.end_trace();
        }
    }

    fn end_trace(&mut self) {
        self.trace = None;
        if let Some(xdp) = &mut self.kernel.xdp {
            match tokio::task::block_in_place(|| xdp.stop_trace()) {
                Ok(()) => tracing::info!("trace ended"),
                Err(error) => tracing::error!(%error, "the program goes on tracing"),
            }
        }
    }

    /// What the program shall say in the log.
    const fn wanted_log(&self) -> LogLevel {
        match self.control.config().global.program_log {
            ProgramLog::Off => LogLevel::Off,
            ProgramLog::Error => LogLevel::Error,
            ProgramLog::Warn => LogLevel::Warn,
            ProgramLog::Info => LogLevel::Info,
            ProgramLog::Debug => LogLevel::Debug,
        }
    }

    /// Makes the program say what the configuration wants.
    pub(super) fn follow_log(&mut self) {
        let level = self.wanted_log();
        if let Some(xdp) = &mut self.kernel.xdp
            && let Err(error) = tokio::task::block_in_place(|| xdp.set_log(level))
        {
            tracing::error!(%error, "the program's log cannot be switched");
        }
    }

    /// The program may have said something.
    pub(super) fn has_log(&self) -> bool {
        let xdp = self.kernel.xdp.as_ref();
        xdp.is_some_and(|xdp| xdp.features().log != LogLevel::Off)
    }

    pub(super) fn flush_log(&mut self) {
        if let Some(xdp) = &mut self.kernel.xdp {
            xdp.flush_log();
        }
    }
}

fn xdp(xdp: &mut Option<Xdp>) -> Result<&mut Xdp, String> {
    xdp.as_mut()
        .ok_or_else(|| "this director has no XDP program: `lvx status` says why".to_owned())
}

fn current(trace: &mut Option<Trace>, number: u64) -> Result<&mut Trace, String> {
    trace
        .as_mut()
        .filter(|trace| trace.number == number)
        .ok_or_else(|| {
            let limit = UNREAD.as_secs();
            format!("the trace has ended: nobody read it for {limit} s, or lvx was restarted")
        })
}

fn key(service: &config::Service) -> ServiceKey {
    service_key(service.address, service.protocol.number())
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// The clock of the program's events.
fn monotonic() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a live timespec, and a clock that every kernel has: it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
