//! The map of sampled connections, as it is.

use std::os::fd::AsFd as _;

use anyhow::{Context, Result};
use aya::maps::MapInfo;
use aya::programs::Xdp;
use lb_common::opened::{PLACES, Place, Sample};
use lb_userspace::dataplane::xdp::Mapping;

/// Map `opened` of a program, in memory: a look at all places by system calls takes a quarter of
/// a second on some kernels.
pub struct Samples(Mapping<Place>);

impl Samples {
    /// # Errors
    /// The program has no such map, or it cannot be opened.
    pub fn of(program: &Xdp) -> Result<Self> {
        for id in program.info()?.map_ids()?.unwrap_or_default() {
            let map = MapInfo::from_id(id)?;
            if map.name_as_str() == Some("opened") {
                // SAFETY: so the program declares the map, and it writes to a place atomically.
                let places = unsafe { Mapping::new(map.fd()?.as_fd(), PLACES as usize) };
                return Ok(Self(places?));
            }
        }
        None.context("the program has no map `opened`")
    }

    /// The places in use.
    #[must_use]
    pub fn used(&self) -> Vec<(usize, Sample)> {
        let all = self.0.values().iter().enumerate();
        all.filter_map(|(at, place)| Some((at, Sample::from_word(place.word.load())?)))
            .collect()
    }

    /// The word in a place.
    #[must_use]
    pub fn word(&self, place: usize) -> u64 {
        self.0.values()[place].word.load()
    }

    /// Sets the word in a place while no packet arrives.
    pub fn set(&mut self, place: usize, word: u64) {
        let set = &self.0.values()[place].word;
        assert!(set.exchange(set.load(), word), "a packet has changed it");
    }

    /// Frees all places while no packet arrives.
    pub fn clear(&mut self) {
        (0..PLACES as usize).for_each(|place| self.set(place, 0));
    }
}
