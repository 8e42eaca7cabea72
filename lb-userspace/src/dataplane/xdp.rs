//! The XDP data plane: program, maps and links in the kernel.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use lb_common::index::IndexEntry;
use lb_common::layout::{self, ServiceKey, Slot};

use super::plan::{Applied, Changes, Full, Needs, Retired};
use super::sweep::Census;
use super::table::ForwardingTable;

mod adopt;
mod attach;
mod audit;
mod counters;
mod explain;
mod foreign;
mod left;
mod load;
mod log;
mod memory;
mod opened;
mod pins;
mod preflight;
mod program;
mod records;
mod sizes;
mod state;
mod sys;
mod tables;
mod trace;
mod usage;

pub use attach::{Attached, Mode, ModeChoice, Nic};
pub use counters::ServiceCounters;
pub use left::{detach_left, remove_left};
pub use log::LogLevel;
pub use memory::Mapping;
pub use program::Features;
pub use sizes::Sizes;
pub use trace::Missed;
pub use usage::RecordsUsage;

use adopt::Left;
use load::Loaded;
use program::Form;
use state::{Records, State};
use tables::Grace;

/// What went wrong between us and the kernel.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    #[error("pin directory {path}: {error}")]
    Pins { path: String, error: io::Error },
    /// With the whole verifier log, if it was the verifier that refused.
    #[error("the kernel refused the XDP program: {0}")]
    Load(String),
    #[error("{interface}: {reason}")]
    Attach { interface: String, reason: String },
    #[error("map {map}: {error}")]
    Map { map: &'static str, error: io::Error },
    #[error("the forwarding table does not fit: {0}")]
    Full(#[from] Full),
}

/// What [`Xdp::apply`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel held the table already: nothing was written.
    Unchanged,
    Written {
        /// Maglev tables that were swapped.
        tables: usize,
        /// From the call until packets saw all of it.
        after: Duration,
    },
}

/// What fell out of use, until no running program can hold it.
struct Waiting {
    graces: Vec<Grace>,
    retired: Retired,
    /// The maps that may have records of it.
    needs: Needs,
}

/// The loaded program with its maps and what was written into them.
pub struct Xdp {
    loaded: Loaded,
    state: State,
    applied: Applied,
    adopted: bool,
    /// Of the latest sweep.
    census: Census,
    /// Services whose tables the audits have looked at in this round.
    audited: usize,
    /// Indexes that wait for the end of kernel calls.
    waiting: Vec<Waiting>,
    /// Counts of real servers that were removed, by service.
    removed: BTreeMap<ServiceKey, layout::Counter>,
}

impl Xdp {
    /// Loads the program. What an earlier daemon left in its maps is used on if it means the same:
    /// then packets see from the start what is applied. Otherwise the maps are empty, and are
    /// pinned where nobody looks yet.
    ///
    /// # Errors
    /// The directory is not on a bpffs, or the kernel refuses a map or the program.
    pub fn load(
        object: &'static [u8],
        directory: &Path,
        sizes: impl Into<Sizes>,
    ) -> Result<Self, XdpError> {
        let sizes = sizes.into();
        let left = adopt::left(object, directory, &sizes).unwrap_or_else(|why| {
            tracing::warn!("the maps of an earlier daemon are replaced: {why}");
            None
        });
        let shared = left.as_ref().map(|left| &left.maps);
        let loaded = Loaded::new(object, directory, sizes, shared.unwrap_or(&BTreeMap::new()))?;
        let mut xdp = Self {
            state: State::of(&loaded)?,
            loaded,
            applied: Applied::default(),
            adopted: false,
            census: Census::default(),
            audited: 0,
            waiting: Vec::new(),
            removed: BTreeMap::new(),
        };
        if let Some(left) = left {
            xdp.take_over(&left)?;
        }
        Ok(xdp)
    }

    fn take_over(&mut self, left: &Left) -> Result<(), XdpError> {
        let found = self.found(left).map_err(|error| XdpError::Map {
            map: "of an earlier daemon",
            error,
        })?;
        self.applied = Applied::adopt(found, self.loaded.sizes().table, self.now());
        self.adopted = true;
        for (map, former, buckets) in &left.resized {
            let former = Records::of(former.as_fd(), *buckets);
            let former = former.map_err(|error| XdpError::Map { map, error })?;
            self.state.copy(map, &former);
        }
        let features = Features {
            wildcards: self.applied.wildcards(),
            ..self.loaded.features()
        };
        self.loaded.set_features(features)
    }

    /// Packets see what this daemon applies from the start: it goes on where another one ended.
    #[must_use]
    pub const fn is_adopted(&self) -> bool {
        self.adopted
    }

    /// The time of records, in seconds: [`Self::set_now`] is to be called at least once a second.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.state.now()
    }

    /// It never goes back, and stands still while no daemon runs.
    pub fn set_now(&mut self, now: u64) {
        self.state.set_now(now);
    }

    /// Attaches the program to an interface. One that an earlier daemon left there is replaced
    /// in one step, so that the interface is never without.
    ///
    /// # Errors
    /// The driver refuses, or another program is attached.
    pub fn attach(&mut self, nic: &Nic, choice: ModeChoice) -> Result<Attached, XdpError> {
        self.loaded.attach(nic, choice)
    }

    /// Takes the program off an interface.
    pub fn detach(&mut self, interface: &str) {
        self.loaded.detach(interface);
    }

    /// Shows the maps under their public names, and removes what an earlier daemon left on
    /// interfaces that this one does not use.
    ///
    /// # Errors
    /// The pin directory cannot be changed.
    pub fn publish(&mut self) -> Result<(), XdpError> {
        self.loaded.publish()
    }

    /// Detaches the program everywhere and removes all pins.
    ///
    /// # Errors
    /// A pin cannot be removed.
    pub fn remove(self) -> Result<(), XdpError> {
        self.loaded.remove()
    }

    /// Brings the kernel to `desired`. Blocks for well below a millisecond, not for grace
    /// periods.
    ///
    /// # Errors
    /// The maps are too small, or the kernel refuses a write: what was applied before still
    /// holds, at most some new services are missing, and the next call tries again.
    pub fn apply(&mut self, desired: &ForwardingTable) -> Result<Outcome, XdpError> {
        let start = Instant::now();
        self.reclaim();
        let (size, now) = (self.loaded.sizes().table, self.now());
        let planned = self.applied.plan(desired, size, now);
        let (changes, next) = match planned {
            // There may be room once the kernel has let go of what was replaced just now.
            Err(_) if !self.waiting.is_empty() => {
                self.wait();
                self.applied.plan(desired, size, now)?
            }
            planned => planned?,
        };
        if changes.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let graces = self.write(&changes)?;
        let after = start.elapsed();
        let tables = changes.tables.len();
        let needs = self.applied.needs_sweep();
        self.applied = next;
        self.retire(graces, changes, needs);
        Ok(Outcome::Written { tables, after })
    }

    fn write(&mut self, changes: &Changes) -> Result<Vec<Grace>, XdpError> {
        let entry = |&(index, value)| (index, value);
        self.loaded.clear_counters(&changes.clear_counters)?;
        for id in &changes.clear_counters {
            self.state.set_load(*id, layout::Load::default());
        }
        self.update("real_servers", changes.real_servers.iter().map(entry))?;
        let interface = |&(index, mac): &(u32, super::table::Mac)| {
            let reserved = 0;
            (
                index,
                layout::Interface {
                    mac: mac.0,
                    reserved,
                },
            )
        };
        self.update("interfaces", changes.set_interfaces.iter().map(interface))?;
        self.loaded
            .set_tx_ports(changes.set_interfaces.iter().map(|&(index, _)| index))?;
        let (up, down): (Vec<_>, Vec<_>) =
            changes.entries.iter().partition(|(_, index)| *index != 0);
        // Records may name a server as soon as a slot leads to it, and until none does.
        self.set_entries(&up);
        let mut graces: Vec<Grace> = self.swap_tables(&changes.tables)?.into_iter().collect();
        self.set_entries(&down);
        if changes.wildcards == Some(true) {
            self.set_wildcards(true)?;
        }
        if let Some(index) = &changes.index {
            graces.extend(self.swap_index(index)?);
        }
        if changes.wildcards == Some(false) {
            self.set_wildcards(false)?;
        }
        let service = |&(key, value): &(ServiceKey, layout::Service)| (key, value);
        self.update("services", changes.set_services.iter().map(service))?;
        let map_error = |map| move |error| XdpError::Map { map, error };
        for key in &changes.remove_services {
            sys::delete(self.loaded.map_fd("services")?, key).map_err(map_error("services"))?;
        }
        for index in &changes.remove_interfaces {
            sys::delete(self.loaded.map_fd("tx_ports")?, index).map_err(map_error("tx_ports"))?;
            sys::delete(self.loaded.map_fd("interfaces")?, index)
                .map_err(map_error("interfaces"))?;
        }
        for (id, load) in &changes.loads {
            self.state.set_load(*id, *load);
        }
        if !changes.retired.tables.is_empty() {
            let outer = self.loaded.map_fd("tables")?;
            let removed = tables::remove(outer, changes.retired.tables.clone());
            graces.push(removed.map_err(map_error("tables"))?);
        }
        Ok(graces)
    }

    fn set_entries(&self, entries: &[(u32, u32)]) {
        for (id, index) in entries {
            self.state.set_entry(*id, *index);
        }
    }

    fn swap_tables(&self, changed: &[(u32, Vec<Slot>)]) -> Result<Option<Grace>, XdpError> {
        let size = self.loaded.sizes().table;
        let inner = |(index, slots): &(u32, Vec<Slot>)| Ok((*index, tables::table(slots, size)?));
        let inner: io::Result<Vec<_>> = changed.iter().map(inner).collect();
        let outer = self.loaded.map_fd("tables")?;
        let swapped = inner.and_then(|inner| tables::swap(outer, inner));
        swapped.map_err(|error| XdpError::Map {
            map: "tables",
            error,
        })
    }

    fn swap_index(&self, index: &BTreeMap<u32, IndexEntry>) -> Result<Option<Grace>, XdpError> {
        let outer = self.loaded.map_fd("service_index")?;
        let inner = tables::service_index(index);
        let swapped = inner.and_then(|inner| tables::swap(outer, vec![(0, inner)]));
        swapped.map_err(|error| XdpError::Map {
            map: "service_index",
            error,
        })
    }

    fn set_wildcards(&mut self, wildcards: bool) -> Result<(), XdpError> {
        let features = Features {
            wildcards,
            ..self.loaded.features()
        };
        self.loaded.set_features(features)
    }

    fn update<K: sys::Pod, V: sys::Pod>(
        &self,
        map: &'static str,
        entries: impl Iterator<Item = (K, V)>,
    ) -> Result<(), XdpError> {
        sys::update_batch(self.loaded.map_fd(map)?, entries)
            .map_err(|error| XdpError::Map { map, error })
    }

    /// Lets what fell out of use wait for the end of kernel calls. `needs`: which maps had records
    /// before the change; a service that is gone may have been the last one with any.
    fn retire(&mut self, graces: Vec<Grace>, changes: Changes, needs: Needs) {
        // They name servers that have no entry, so packets do not follow them any more.
        self.state.purge(&changes.purge, needs);
        self.waiting.push(Waiting {
            graces,
            retired: changes.retired,
            needs,
        });
    }

    /// Waits for all grace periods and gives back the indexes.
    fn wait(&mut self) {
        let graces = self.waiting.iter_mut().flat_map(|one| one.graces.drain(..));
        graces.for_each(Grace::wait);
        self.reclaim();
    }

    /// Gives back the indexes whose grace period is over.
    fn reclaim(&mut self) {
        let over = |one: &mut Waiting| one.graces.iter().all(Grace::has_ended);
        let ended: Vec<_> = self.waiting.extract_if(.., over).collect();
        for Waiting { retired, needs, .. } in ended {
            for (service, counter) in &retired.counters {
                if let Ok(count) = self.count(*counter) {
                    counters::add(self.removed.entry(*service).or_default(), count);
                }
            }
            // Packets that were under way may have written new ones. Those of servers that are
            // still there may be of newer connections.
            let ids: Vec<u32> = retired.counters.iter().map(|&(_, id)| id).collect();
            self.state.purge(&ids, needs);
            self.state.forget(&ids);
            self.applied.reclaim(&retired);
        }
    }

    /// The kernel's id of the program that an interface should carry.
    #[must_use]
    pub fn program_id(&mut self, interface: &str) -> Option<u32> {
        self.loaded.program_id(interface)
    }

    /// The program itself, for test runs.
    ///
    /// # Errors
    /// The object has no program of the expected name.
    pub fn program(&mut self) -> Result<&mut aya::programs::Xdp, XdpError> {
        self.loaded.program.get(Form::Whole)
    }
}
