//! Kernel IPVS: virtual services that the kernel balances itself, by direct routing.
//!
//! `table` says what is wanted, `plan` finds the operations that lead there from what the kernel
//! has, `codec` and `frame` are its language (all PURE); `client` talks to it, and `record`
//! remembers across a crash what in the kernel is ours.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use lb_common::maglev::TableSize;

mod attribute;
mod build;
mod client;
mod codec;
mod error;
mod frame;
pub mod plan;
mod read;
mod record;
pub mod state;
mod switches;
pub mod sync;
mod synchronise;
mod sysctl;
pub mod table;
mod write;

pub use client::RequestError;
pub use codec::{DecodeError, Info, Timeouts};
pub use error::IpvsError;
pub use frame::Refusal;
pub use read::{DestinationCounters, ServiceCounters};
pub use sync::{SyncDaemon, SyncRole};
pub use table::{Destination, Persistence, Service, ServiceFlags, ServiceKey, Table};

use client::Client;
use plan::Operation;
use record::Record;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Unchanged,
    Written {
        operations: usize,
        /// From the request until the kernel had all of it.
        after: Duration,
    },
}

/// The kernel's IPVS in one network namespace.
pub struct Ipvs {
    client: Client,
    record: Record,
    /// What was asked for last.
    wanted: Option<Table>,
    /// The kernel was brought to it without an error.
    settled: bool,
}

impl Ipvs {
    /// Finds out whether this kernel has IPVS; it loads the module by itself. Works in the network
    /// namespace of the calling thread, which the other methods must be called in, too. `record`
    /// is a file in an existing directory that is lost with the kernel: there stands what in the
    /// kernel is ours.
    ///
    /// # Errors
    /// [`IpvsError::Unavailable`] without IPVS or without the privilege to use it; the record
    /// cannot be read.
    pub async fn connect(record: &Path) -> Result<Self, IpvsError> {
        let client = Client::connect().await.map_err(IpvsError::unavailable)?;
        let record = Record::load(record).map_err(|error| IpvsError::record(record, error))?;
        let ipvs = Self {
            client,
            record,
            wanted: None,
            settled: false,
        };
        // The family is there for all, but answers only the privileged.
        ipvs.info().await.map_err(|error| {
            if let IpvsError::Query { error, .. } = error {
                return IpvsError::unavailable(error);
            }
            error
        })?;
        Ok(ipvs)
    }

    /// Brings our services in the kernel to `desired`: one that is there already is taken over,
    /// one of ours that is not wanted any more is removed, others are left alone. Only differences
    /// are written.
    ///
    /// # Errors
    /// The first thing the kernel refused; the rest was done all the same. The next call, or the
    /// next audit, tries again.
    pub async fn apply(&mut self, desired: &Table) -> Result<Outcome, IpvsError> {
        let started = Instant::now();
        let changed = self.changed(desired);
        self.wanted = Some(desired.clone());
        if changed.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        self.settled = false;
        let ours = self.record.contents().services.clone();
        // The record comes first: after a crash in between nothing of ours is taken for another's.
        self.record_change(|record| record.services.extend(desired.services.keys()))?;
        let switches = self.set_switches();
        let operations = self.bring(changed, desired, &ours).await?.len();
        switches?;
        if operations == 0 {
            return Ok(Outcome::Unchanged);
        }
        Ok(Outcome::Written {
            operations,
            after: started.elapsed(),
        })
    }

    /// Compares the kernel with what was asked for last and repairs it; says what was repaired.
    /// Cheap enough to be called every second.
    ///
    /// # Errors
    /// The first thing the kernel refused; the rest was repaired all the same.
    pub async fn audit(&mut self) -> Result<Vec<String>, IpvsError> {
        let mut repaired = self.audit_sync().await?;
        let Some(wanted) = self.wanted.clone() else {
            return Ok(repaired);
        };
        let keys = self.record.contents().services.clone();
        if !keys.is_empty() {
            let operations = self.bring(keys.clone(), &wanted, &keys).await?;
            repaired.extend(operations.iter().map(Operation::to_string));
            repaired.extend(self.set_switches()?);
        }
        Ok(repaired)
    }

    /// Sets a service's counters to 0.
    ///
    /// # Errors
    /// The kernel's: there is no such service.
    pub async fn zero(&self, service: ServiceKey) -> Result<(), IpvsError> {
        let refused = |refusal| IpvsError::Service {
            service,
            what: "zeroing its counters",
            error: refusal,
        };
        self.request(codec::zero(&service), "counters")
            .await?
            .map_err(refused)
    }

    /// Removes our services, stops our sync daemons, sets switches and timeouts back to what they
    /// were before us, and deletes the record.
    ///
    /// # Errors
    /// The first thing that failed; the rest was done all the same, and the record still stands.
    pub async fn remove(self) -> Result<(), IpvsError> {
        let results = [
            self.remove_services().await,
            self.stop_all_sync().await,
            self.restore_timeouts().await,
            self.restore_switches(),
        ];
        results.into_iter().collect::<Result<(), _>>()?;
        let path = self.record.path().to_owned();
        self.record
            .delete()
            .map_err(|error| IpvsError::record(&path, error))
    }

    /// Slots of the kernel's `mh` tables, by the configuration it was built with; `None` if that is
    /// nowhere to be found.
    #[must_use]
    pub fn mh_table_size() -> Option<TableSize> {
        build::mh_table_size()
    }

    /// The services that have to be compared with the kernel.
    fn changed(&self, desired: &Table) -> BTreeSet<ServiceKey> {
        let applied = self.wanted.as_ref().filter(|_| self.settled);
        let ours = self.record.contents().services.iter();
        let gone = ours.filter(|key| !desired.services.contains_key(key));
        let wanted = desired.services.iter();
        let changed = wanted.filter(|&(key, service)| {
            applied.and_then(|applied| applied.services.get(key)) != Some(service)
        });
        gone.chain(changed.map(|(key, _)| key)).copied().collect()
    }

    /// Brings the services `keys` to `desired`, and the record to all that is in it; what was
    /// written. `ours` are those that lvx made.
    async fn bring(
        &mut self,
        keys: BTreeSet<ServiceKey>,
        desired: &Table,
        ours: &BTreeSet<ServiceKey>,
    ) -> Result<Vec<Operation>, IpvsError> {
        self.settled = false;
        let services = self.list_services().await?;
        let mut operations = Vec::new();
        for key in keys {
            let found = match services.get(&key) {
                Some(options) => Some(self.found(key, options.clone(), ours).await?),
                None => None,
            };
            let wanted = desired.services.get(&key);
            operations.extend(plan::operations(key, found.as_ref(), wanted));
        }
        self.carry_out(&operations).await?;
        self.record_change(|record| {
            record
                .services
                .retain(|key| desired.services.contains_key(key));
        })?;
        self.settled = true;
        Ok(operations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_can_be_made_from_any_thread() {
        fn sends<T: Send>(_: impl FnOnce(&'static mut Ipvs, &'static Table) -> T) {}
        sends(|ipvs, table| ipvs.apply(table));
        sends(|ipvs, _| ipvs.audit());
        sends(|ipvs, _| ipvs.counters());
        sends(|ipvs, _| ipvs.start_sync(SyncRole::Master, "eth0", 1));
    }
}
