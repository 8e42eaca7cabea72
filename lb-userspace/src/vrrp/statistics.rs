//! Counters of the instances: written by the protocol thread, read by whoever asks.

use std::array;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::packet::{DecodeError, Warning};
use crate::config::ChecksumForm;

/// Counters of one instance since it was configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    pub instance: String,
    /// Advertisements sent, of any priority.
    pub sent: u64,
    /// Those of `sent` with priority 0.
    pub sent_priority_zero: u64,
    pub send_errors: u64,
    /// Frames of gratuitous ARP or unsolicited neighbour advertisement sent.
    pub announced: u64,
    /// How often it became MASTER.
    pub became_master: u64,
    /// How often a second master appeared.
    pub rivals: u64,
    /// How often another host began to claim one of the addresses.
    pub duplicates: u64,
    /// Advertisements that passed all checks.
    pub received: u64,
    /// Those of `received` with priority 0.
    pub received_priority_zero: u64,
    /// Those of `received` with a version 3 checksum over the pseudo-header too.
    pub received_rfc5798: u64,
    /// Those of `received` with a version 3 checksum over the message alone.
    pub received_rfc9568: u64,
    /// Advertisements dropped, by [`DecodeError::name`], in the order of the checks.
    pub errors: Vec<(&'static str, u64)>,
    /// Those of `received` with something odd, by [`Warning::name`].
    pub warnings: Vec<(&'static str, u64)>,
    /// Messages on the instance's interface that were no VRRP; shared with the other
    /// instances there.
    pub interface_malformed: u64,
    /// Messages on the instance's interface for a virtual router that no instance has; shared
    /// with the other instances there.
    pub interface_unknown_vrid: u64,
    /// The virtual router id of the last of those, and who sent it.
    pub interface_unknown_last: Option<(u8, IpAddr)>,
}

/// The live counters of one instance.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: Counter,
    pub(super) sent_priority_zero: Counter,
    pub(super) became_master: Counter,
    pub(super) rivals: Counter,
    pub(super) duplicates: Counter,
    pub(super) received_priority_zero: Counter,
    pub(super) send_errors: Counter,
    pub(super) announced: Counter,
    received: Counter,
    received_rfc5798: Counter,
    received_rfc9568: Counter,
    errors: Errors,
    warnings: [Counter; Warning::NAMES.len()],
}

impl Counters {
    pub(super) fn count_received(&self, checksum: Option<ChecksumForm>) {
        self.received.add();
        match checksum {
            Some(ChecksumForm::Rfc5798) => self.received_rfc5798.add(),
            Some(ChecksumForm::Rfc9568) => self.received_rfc9568.add(),
            None => (),
        }
    }

    pub(super) fn count_error(&self, error: &DecodeError) {
        self.errors.0[error.index()].add();
    }

    pub(super) fn count_warning(&self, warning: &Warning) {
        self.warnings[warning.index()].add();
    }
}

/// The live counters of one interface.
#[derive(Debug, Default)]
pub(super) struct InterfaceCounters {
    pub(super) malformed: Counter,
    unknown_vrid: Counter,
    unknown_last: Mutex<Option<(u8, IpAddr)>>,
}

impl InterfaceCounters {
    pub(super) fn count_unknown(&self, id: u8, source: IpAddr) {
        self.unknown_vrid.add();
        // Whoever reads it holds it for a moment: the next one is as good.
        if let Ok(mut last) = self.unknown_last.try_lock() {
            *last = Some((id, source));
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    // Each counter stands for itself: no order between them is promised.
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Errors([Counter; DecodeError::NAMES.len()]);

impl Default for Errors {
    fn default() -> Self {
        Self(array::from_fn(|_| Counter::default()))
    }
}

/// Where one instance counts.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) instance: String,
    pub(super) counters: Arc<Counters>,
    pub(super) interface: Arc<InterfaceCounters>,
}

/// Which instances count where. The protocol thread locks it only when the configuration changes.
#[derive(Debug, Default)]
pub(super) struct Registry(Mutex<Vec<Entry>>);

impl Registry {
    pub(super) fn replace(&self, entries: Vec<Entry>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = entries;
    }

    pub(super) fn snapshot(&self) -> Vec<Statistics> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(Entry::read).collect()
    }
}

impl Entry {
    fn read(&self) -> Statistics {
        let counters = &self.counters;
        let errors = counters.errors.0.iter().map(Counter::get);
        let warnings = counters.warnings.iter().map(Counter::get);
        Statistics {
            instance: self.instance.clone(),
            sent: counters.sent.get(),
            sent_priority_zero: counters.sent_priority_zero.get(),
            send_errors: counters.send_errors.get(),
            announced: counters.announced.get(),
            became_master: counters.became_master.get(),
            rivals: counters.rivals.get(),
            duplicates: counters.duplicates.get(),
            received: counters.received.get(),
            received_priority_zero: counters.received_priority_zero.get(),
            received_rfc5798: counters.received_rfc5798.get(),
            received_rfc9568: counters.received_rfc9568.get(),
            errors: DecodeError::NAMES.into_iter().zip(errors).collect(),
            warnings: Warning::NAMES.into_iter().zip(warnings).collect(),
            interface_malformed: self.interface.malformed.get(),
            interface_unknown_vrid: self.interface.unknown_vrid.get(),
            interface_unknown_last: *self
                .interface
                .unknown_last
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn snapshot_names_every_error() {
        let registry = Registry::default();
        let entry = Entry {
            instance: "VI_1".to_owned(),
            counters: Arc::default(),
            interface: Arc::default(),
        };
        registry.replace(vec![entry.clone()]);
        entry.counters.count_error(&DecodeError::Ttl {
            ttl: 64,
            least: 255,
            most: 255,
        });
        let odd = Warning::FirstNotLinkLocal(Ipv4Addr::LOCALHOST.into());
        entry.counters.count_warning(&odd);
        entry.counters.count_received(Some(ChecksumForm::Rfc9568));
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        entry.interface.count_unknown(7, source);
        let [statistics] = &registry.snapshot()[..] else {
            panic!("one instance");
        };
        assert_eq!(statistics.errors.len(), DecodeError::NAMES.len());
        assert_eq!(statistics.errors[1], ("ttl", 1));
        assert_eq!(statistics.warnings[1], ("first_not_link_local", 1));
        assert_eq!((statistics.received, statistics.received_rfc9568), (1, 1));
        assert_eq!(statistics.interface_unknown_vrid, 1);
        assert_eq!(statistics.interface_unknown_last, Some((7, source)));
    }
}
