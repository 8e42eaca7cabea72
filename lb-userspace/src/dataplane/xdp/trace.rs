//! Decisions about single packets, as `lvx trace` shows them.
//!
//! Everything is asked of the variant of the program that is loaded now: it may have been
//! replaced since the last time, and each variant has ring buffer and filter of its own.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use aya::maps::{MapData, PerCpuArray, RingBuf};
use lb_common::layout::ServiceKey;
use lb_common::trace::{Event, Filter, Unseen};

use super::memory::Mapping;
use super::program::{Features, with_sources};
use super::{Xdp, XdpError};

/// The ring buffer of the events.
pub(super) const EVENTS: &str = "trace_events";
const FILTER: &str = "trace_filter";
const UNSEEN: &str = "trace_unseen";

/// Packets that were asked for and not shown, since the program was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// There were more than the rate allows.
    pub over_rate: u64,
    /// They were not read fast enough.
    pub lost: u64,
}

impl Xdp {
    /// Shows packets from now on, none before [`Self::refill_trace`]: loads the program anew and
    /// replaces it in one step.
    ///
    /// # Errors
    /// The kernel refuses the program's other form: the present one stays.
    pub fn start_trace(&mut self) -> Result<(), XdpError> {
        self.trace(true)
    }

    /// Goes back to the program that shows nothing.
    ///
    /// # Errors
    /// The kernel refuses the program's other form: the present one stays.
    pub fn stop_trace(&mut self) -> Result<(), XdpError> {
        self.trace(false)
    }

    fn trace(&mut self, trace: bool) -> Result<(), XdpError> {
        let features = Features {
            trace,
            ..self.loaded.features()
        };
        self.loaded.set_features(features)
    }

    /// What the program is loaded for now.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.loaded.features()
    }

    /// Shows what `wanted` says (its budget does not count), and makes the number of events that
    /// may still be written from the present one by `next`.
    ///
    /// # Errors
    /// The map is not there.
    pub fn refill_trace(
        &mut self,
        wanted: &Filter,
        next: impl FnOnce(i32) -> i32,
    ) -> Result<(), XdpError> {
        let mut filters = self.filter()?;
        let filter = &mut filters.values_mut()[0];
        let budget = &raw mut filter.budget;
        // SAFETY: a live, aligned word, which the program changes by atomic operations.
        let left = unsafe { AtomicU32::from_ptr(budget) }.load(Relaxed);
        let wanted = Filter {
            budget: left,
            ..*wanted
        };
        if *filter != wanted {
            *filter = Filter {
                budget: 0,
                ..wanted
            };
        }
        let budget = &raw mut filter.budget;
        // SAFETY: as above.
        unsafe { AtomicU32::from_ptr(budget) }.store(next(left as i32) as u32, Relaxed);
        Ok(())
    }

    fn filter(&self) -> Result<Mapping<Filter>, XdpError> {
        let map = self.loaded.map_fd(FILTER)?;
        // SAFETY: the map has one Filter, made of integers.
        unsafe { Mapping::new(map, 1) }.map_err(|error| XdpError::Map { map: FILTER, error })
    }

    /// The events since the last call, the oldest first.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn read_trace(&mut self) -> Result<Vec<Event>, XdpError> {
        let map = self.loaded.program.ebpf.map_mut(EVENTS);
        let map = map.ok_or_else(|| XdpError::Map {
            map: EVENTS,
            error: io::ErrorKind::NotFound.into(),
        })?;
        let mut ring: RingBuf<&mut MapData> =
            map.try_into().map_err(|error| map_error(EVENTS, &error))?;
        let mut events = Vec::new();
        while let Some(bytes) = ring.next() {
            if bytes.len() >= size_of::<Event>() {
                // SAFETY: as many bytes are there, and any are an Event: it is made of integers.
                events.push(unsafe { bytes.as_ptr().cast::<Event>().read_unaligned() });
            }
        }
        Ok(events)
    }

    /// # Errors
    /// The map cannot be read.
    pub fn missed_trace(&self) -> Result<Missed, XdpError> {
        let map: PerCpuArray<&MapData, u64> = self
            .loaded
            .map(UNSEEN)?
            .try_into()
            .map_err(|error| map_error(UNSEEN, &error))?;
        let sum = |why: Unseen| -> Result<u64, XdpError> {
            let values = map.get(&(why as u32), 0);
            let values = values.map_err(|error| map_error(UNSEEN, &error))?;
            Ok(values.iter().sum())
        };
        Ok(Missed {
            over_rate: sum(Unseen::OverRate)?,
            lost: sum(Unseen::NoRoom)?,
        })
    }

    /// The real server of a service that has this id.
    #[must_use]
    pub fn server_address(&self, service: &ServiceKey, id: u32) -> Option<IpAddr> {
        let mut servers = self.applied.counters(service);
        servers
            .find(|&(_, server)| server == id)
            .map(|(address, _)| address)
    }
}

fn map_error(map: &'static str, error: &dyn std::error::Error) -> XdpError {
    XdpError::Map {
        map,
        error: io::Error::other(with_sources(error)),
    }
}
