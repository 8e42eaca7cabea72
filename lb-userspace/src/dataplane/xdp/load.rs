//! The program with its maps and links, as this process holds them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use aya::maps::{DevMapHash, Map, MapData, PerCpuArray, PerCpuValues};
use lb_common::layout;

use super::attach::Carrier;
use super::pins::{MAPS, Pins};
use super::program::{Features, Program, with_sources};
use super::sizes::Sizes;
use super::{XdpError, sys, tables};

/// Value of map `counters` as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy, Default)]
pub(super) struct CounterPod(pub(super) layout::Counter);

// SAFETY: layout::Counter is repr(C) and made of u64.
unsafe impl aya::Pod for CounterPod {}

pub(super) struct Loaded {
    object: &'static [u8],
    sizes: Sizes,
    features: Features,
    pub(super) program: Program,
    pub(super) pins: Pins,
    /// By interface; each is pinned, so it outlives this process.
    pub(super) carriers: BTreeMap<String, Carrier>,
}

impl Loaded {
    /// Loads the program with maps pinned where nobody looks yet: `shared` ones that are used on,
    /// new ones otherwise.
    pub(super) fn new(
        object: &'static [u8],
        directory: &Path,
        sizes: Sizes,
        shared: &BTreeMap<&'static str, OwnedFd>,
    ) -> Result<Self, XdpError> {
        let pins = Pins::create(directory).map_err(|error| pin_error(directory, error))?;
        let map_error = |map| move |error| XdpError::Map { map, error };
        // aya takes a map that is pinned already as it is.
        let outer = tables::create_outer(sizes.table).map_err(map_error("maps of maps"))?;
        let shared = shared.iter().map(|(name, map)| (*name, map));
        let mut given: BTreeMap<&'static str, &OwnedFd> = shared.collect();
        for (name, map) in &outer {
            given.entry(*name).or_insert(map);
        }
        for (name, map) in given {
            sys::pin(map.as_fd(), &pins.path(name)).map_err(map_error(name))?;
        }
        let features = Features::default();
        let program = Program::load(object, &sizes, features, &paths(&pins))?;
        Ok(Self {
            object,
            sizes,
            features,
            program,
            pins,
            carriers: BTreeMap::new(),
        })
    }

    /// Loads the program anew with other constants, and puts it in the place of the present one
    /// on all interfaces, without a packet in between.
    pub(super) fn set_features(&mut self, features: Features) -> Result<(), XdpError> {
        if features == self.features {
            return Ok(());
        }
        // aya would make a map anew whose pin is gone.
        self.restore_pins()?;
        let program = Program::load(self.object, &self.sizes, features, &paths(&self.pins))?;
        self.program.flush_log();
        self.program = program;
        self.features = features;
        self.replace_everywhere()
    }

    pub(super) const fn features(&self) -> Features {
        self.features
    }

    pub(super) fn flush_log(&mut self) {
        self.program.flush_log();
    }

    pub(super) const fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    pub(super) fn publish(&mut self) -> Result<(), XdpError> {
        let kept: Vec<&str> = self.carriers.keys().map(String::as_str).collect();
        let published = self.pins.remove_other_links(&kept);
        published
            .and_then(|_removed| self.pins.publish())
            .map_err(|error| pin_error(self.pins.directory(), error))
    }

    /// Pins again what somebody unpinned; says which.
    pub(super) fn restore_pins(&mut self) -> Result<Vec<String>, XdpError> {
        let directory = self.pins.directory();
        let error = |error| pin_error(directory, error);
        std::fs::create_dir_all(directory).map_err(error)?;
        let mut restored = self.restore_links().map_err(error)?;
        for map in MAPS {
            let path = self.pins.path(map);
            if !path.exists() {
                let fd = self.map_fd(map)?;
                sys::pin(fd, &path).map_err(|error| XdpError::Map { map, error })?;
                restored.push(map.to_owned());
            }
        }
        Ok(restored)
    }

    pub(super) fn remove(self) -> Result<(), XdpError> {
        let removed = self.pins.remove_all();
        removed.map_err(|error| pin_error(self.pins.directory(), error))
    }

    pub(super) fn map(&self, name: &'static str) -> Result<&Map, XdpError> {
        self.program.ebpf.map(name).ok_or_else(|| no_map(name))
    }

    pub(super) fn map_fd(&self, name: &'static str) -> Result<BorrowedFd<'_>, XdpError> {
        if let Map::HashMap(data)
        | Map::Array(data)
        | Map::PerCpuArray(data)
        | Map::ArrayOfMaps(data)
        | Map::DevMapHash(data)
        | Map::RingBuf(data) = self.map(name)?
        {
            return Ok(data.fd().as_fd());
        }
        Err(XdpError::Map {
            map: name,
            error: io::Error::other("it has an unexpected type"),
        })
    }

    /// Lets the program redirect to these interfaces.
    pub(super) fn set_tx_ports(
        &mut self,
        interfaces: impl Iterator<Item = u32>,
    ) -> Result<(), XdpError> {
        let map = self.program.ebpf.map_mut("tx_ports");
        let map = map.ok_or_else(|| no_map("tx_ports"))?;
        let error = |error: aya::maps::MapError| map_error("tx_ports", &error);
        let mut ports: DevMapHash<&mut MapData> = map.try_into().map_err(error)?;
        for index in interfaces {
            ports
                .insert(index, index, None, 0)
                .map_err(|wrong| map_error("tx_ports", &wrong))?;
        }
        Ok(())
    }

    pub(super) fn clear_counters(&mut self, indexes: &[u32]) -> Result<(), XdpError> {
        let map = self.program.ebpf.map_mut("counters");
        let map = map.ok_or_else(|| no_map("counters"))?;
        let error = |error: aya::maps::MapError| map_error("counters", &error);
        let mut counters: PerCpuArray<&mut MapData, CounterPod> = map.try_into().map_err(error)?;
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| XdpError::Map {
            map: "counters",
            error,
        })?;
        for index in indexes {
            let zero = PerCpuValues::try_from(vec![CounterPod::default(); cpus]);
            let zero = zero.map_err(|error| XdpError::Map {
                map: "counters",
                error,
            })?;
            counters.set(*index, zero, 0).map_err(error)?;
        }
        Ok(())
    }
}

fn paths(pins: &Pins) -> BTreeMap<&'static str, PathBuf> {
    MAPS.into_iter().map(|map| (map, pins.path(map))).collect()
}

pub(super) fn pin_error(directory: &Path, error: io::Error) -> XdpError {
    XdpError::Pins {
        path: directory.display().to_string(),
        error,
    }
}

fn no_map(map: &'static str) -> XdpError {
    XdpError::Map {
        map,
        error: io::Error::other("the object has no such map"),
    }
}

fn map_error(map: &'static str, error: &dyn std::error::Error) -> XdpError {
    XdpError::Map {
        map,
        error: io::Error::other(with_sources(error)),
    }
}
