//! Loading the program and its maps, and pinning them.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use aya::maps::{DevMapHash, Map, MapData, PerCpuArray, PerCpuValues};
use aya::programs::links::PinnedLink;
use aya::{Ebpf, EbpfLoader};
use lb_common::layout;

use super::pins::{MAPS, Pins};
use super::sizes::Sizes;
use super::{XdpError, sys, tables};

const PROGRAM: &str = "lvx";

/// Value of map `counters` as aya wants it.
#[repr(transparent)]
#[derive(Clone, Copy, Default)]
pub(super) struct CounterPod(pub(super) layout::Counter);

// SAFETY: layout::Counter is repr(C) and made of u64.
unsafe impl aya::Pod for CounterPod {}

pub(super) struct Loaded {
    pub(super) ebpf: Ebpf,
    pub(super) pins: Pins,
    /// By interface; each is pinned, so it outlives this process.
    pub(super) links: BTreeMap<String, PinnedLink>,
}

impl Loaded {
    pub(super) fn new(object: &[u8], directory: &Path, sizes: &Sizes) -> Result<Self, XdpError> {
        let pin_error = |error| XdpError::Pins {
            path: directory.display().to_string(),
            error,
        };
        let pins = Pins::create(directory).map_err(pin_error)?;
        let map_error = |map| move |error| XdpError::Map { map, error };
        // aya takes a map that is pinned already as it is.
        for (name, map) in tables::create_outer(sizes.table).map_err(map_error("maps of maps"))? {
            sys::pin(map.as_fd(), &pins.staged(name)).map_err(map_error(name))?;
        }
        let slots = sizes.table.slots().get();
        let buckets = sizes.buckets();
        let masks = buckets.map(|(_, buckets, _)| buckets - 1);
        let mut loader = EbpfLoader::new();
        loader.override_global("TABLE_SIZE", &slots, true);
        for ((map, buckets, constant), mask) in buckets.iter().zip(&masks) {
            loader.map_max_entries(map, *buckets);
            loader.override_global(constant, mask, true);
        }
        for map in MAPS {
            loader.map_pin_path(map, pins.staged(map));
        }
        let load_error = |error: &dyn std::error::Error| XdpError::Load(with_sources(error));
        let mut ebpf = loader.load(object).map_err(|error| load_error(&error))?;
        program(&mut ebpf)?
            .load()
            .map_err(|error| load_error(&error))?;
        Ok(Self {
            ebpf,
            pins,
            links: BTreeMap::new(),
        })
    }

    pub(super) fn publish(&mut self) -> Result<(), XdpError> {
        let kept: Vec<&str> = self.links.keys().map(String::as_str).collect();
        let published = self.pins.remove_other_links(&kept);
        published
            .and_then(|()| self.pins.publish())
            .map_err(|error| self.pin_error(error))
    }

    pub(super) fn remove(self) -> Result<(), XdpError> {
        let removed = self.pins.remove_all();
        removed.map_err(|error| self.pin_error(error))
    }

    fn pin_error(&self, error: io::Error) -> XdpError {
        XdpError::Pins {
            path: self.pins.directory().display().to_string(),
            error,
        }
    }

    pub(super) fn program(&mut self) -> Result<&mut aya::programs::Xdp, XdpError> {
        program(&mut self.ebpf)
    }

    pub(super) fn map(&self, name: &'static str) -> Result<&Map, XdpError> {
        self.ebpf.map(name).ok_or_else(|| no_map(name))
    }

    /// Lets the program redirect to these interfaces.
    pub(super) fn set_tx_ports(
        &mut self,
        interfaces: impl Iterator<Item = u32>,
    ) -> Result<(), XdpError> {
        let map = self
            .ebpf
            .map_mut("tx_ports")
            .ok_or_else(|| no_map("tx_ports"))?;
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
        let map = self
            .ebpf
            .map_mut("counters")
            .ok_or_else(|| no_map("counters"))?;
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

pub(super) fn program(ebpf: &mut Ebpf) -> Result<&mut aya::programs::Xdp, XdpError> {
    ebpf.program_mut(PROGRAM)
        .and_then(|program| program.try_into().ok())
        .ok_or_else(|| XdpError::Load(format!("the object has no XDP program `{PROGRAM}`")))
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

/// An error with all its causes in one line.
pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}
