//! Maps of maps: building inner maps, and swapping them in as a whole.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use aya_obj::generated::{BPF_F_MMAPABLE, bpf_map_type};
use lb_common::index::{IndexEntry, PLACES};
use lb_common::layout::{MAX_SERVICES, Slot};
use lb_common::maglev::TableSize;

use super::super::plan::capacity;
use super::memory::Mapping;
use super::sys::{self, MapShape};

/// A swap is seen within some 100 µs; on a busy machine the waiting must not add to its load.
const SPIN: Duration = Duration::from_millis(1);
const NAP: Duration = Duration::from_micros(100);

/// The maps of maps by name. They are created here rather than from the object: their inner maps
/// have the configured size, and a template without BTF (before kernel 6.2 maps made here would
/// not match one that has it).
pub(super) fn create_outer(size: TableSize) -> io::Result<[(&'static str, OwnedFd); 2]> {
    Ok([
        (
            "tables",
            outer("tables", MAX_SERVICES, &create_table(size)?)?,
        ),
        (
            "service_index",
            outer("service_index", 1, &create_index()?)?,
        ),
    ])
}

fn outer(name: &str, max_entries: u32, template: &OwnedFd) -> io::Result<OwnedFd> {
    sys::create_map(&MapShape {
        kind: bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS,
        name,
        value_size: size_of::<u32>() as u32,
        max_entries,
        flags: 0,
        inner: Some(template.as_fd()),
    })
}

fn create_table(size: TableSize) -> io::Result<OwnedFd> {
    inner::<Slot>("maglev", capacity(size))
}

fn create_index() -> io::Result<OwnedFd> {
    inner::<IndexEntry>("index", PLACES)
}

/// An array of `T` that can be filled through memory.
fn inner<T>(name: &str, max_entries: u32) -> io::Result<OwnedFd> {
    sys::create_map(&MapShape {
        kind: bpf_map_type::BPF_MAP_TYPE_ARRAY,
        name,
        value_size: size_of::<T>() as u32,
        max_entries,
        flags: BPF_F_MMAPABLE,
        inner: None,
    })
}

/// An inner Maglev table, not yet seen by any packet.
pub(super) fn table(slots: &[Slot], size: TableSize) -> io::Result<OwnedFd> {
    debug_assert_eq!(slots.len(), capacity(size) as usize);
    let map = create_table(size)?;
    // SAFETY: the map has as many entries of this type, and Slot is one integer.
    let mut memory = unsafe { Mapping::<Slot>::new(map.as_fd(), slots.len())? };
    memory.values_mut().copy_from_slice(slots);
    Ok(map)
}

/// An inner map for the index of services, not yet seen by any packet.
pub(super) fn service_index(entries: &BTreeMap<u32, IndexEntry>) -> io::Result<OwnedFd> {
    let map = create_index()?;
    // SAFETY: the map has as many entries of this type, and IndexEntry is made of integers.
    let mut memory = unsafe { Mapping::<IndexEntry>::new(map.as_fd(), PLACES as usize)? };
    for (place, entry) in entries {
        memory.values_mut()[*place as usize] = *entry;
    }
    Ok(map)
}

/// A kernel call that is waiting for a grace period. Once it has ended, no running program
/// holds what the call took out of use.
pub(super) struct Grace(JoinHandle<io::Result<()>>);

impl Grace {
    pub(super) fn has_ended(&self) -> bool {
        self.0.is_finished()
    }

    /// Blocks until then.
    pub(super) fn wait(self) {
        // `swap` has reported what went wrong with it, or nothing did.
        let _ = self.result();
    }

    fn result(self) -> io::Result<()> {
        self.0
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread of a table swap panicked")))
    }
}

/// Swaps in whole inner maps with one batch update. Returns when every packet sees the new ones,
/// which is before the kernel's call returns: that waits for a grace period, on its own thread.
pub(super) fn swap(outer: BorrowedFd<'_>, maps: Vec<(u32, OwnedFd)>) -> io::Result<Option<Grace>> {
    let Some((last, map)) = maps.last() else {
        return Ok(None);
    };
    let (last, last_id) = (*last, sys::map_id(map.as_fd())?);
    let own = outer.try_clone_to_owned()?;
    let grace = Grace(
        thread::Builder::new()
            .name("lvx-swap".to_owned())
            .spawn(move || {
                let entries = maps
                    .iter()
                    .map(|(index, map)| (*index, map.as_raw_fd() as u32));
                sys::update_batch(own.as_fd(), entries)
            })?,
    );
    // The kernel sets the entries of a batch in order: the last one stands for all.
    let start = Instant::now();
    while !grace.has_ended() {
        if sys::inner_id(outer, last).ok() == Some(last_id) {
            return Ok(Some(grace));
        }
        if start.elapsed() < SPIN {
            thread::yield_now();
        } else {
            thread::sleep(NAP);
        }
    }
    grace.result().map(|()| None)
}

/// Removes tables that no service refers to any more.
pub(super) fn remove(outer: BorrowedFd<'_>, indexes: Vec<u32>) -> io::Result<Grace> {
    let outer = outer.try_clone_to_owned()?;
    let thread = thread::Builder::new().name("lvx-remove".to_owned());
    Ok(Grace(thread.spawn(move || {
        indexes
            .iter()
            .try_for_each(|index| sys::delete(outer.as_fd(), index))
    })?))
}
