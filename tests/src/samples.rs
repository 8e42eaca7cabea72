//! The map of sampled connections, as it is.

use anyhow::{Context, Result};
use aya::maps::{Array, Map, MapData};
use aya::programs::Xdp;
use lb_common::opened::{PLACES, Sample};

/// Map `opened` of a program.
pub struct Samples(Array<MapData, u64>);

impl Samples {
    /// # Errors
    /// The program has no such map, or it cannot be opened.
    pub fn of(program: &Xdp) -> Result<Self> {
        for id in program.info()?.map_ids()?.unwrap_or_default() {
            let data = MapData::from_id(id)?;
            if data.info()?.name_as_str() == Some("opened") {
                return Ok(Self(Array::try_from(Map::Array(data))?));
            }
        }
        None.context("the program has no map `opened`")
    }

    /// The places in use.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn used(&self) -> Result<Vec<(u32, Sample)>> {
        let mut used = Vec::new();
        for (place, word) in (0..).zip(self.0.iter()) {
            used.extend(Sample::from_word(word?).map(|sample| (place, sample)));
        }
        Ok(used)
    }

    /// The word in a place.
    ///
    /// # Errors
    /// The map cannot be read.
    pub fn word(&self, place: u32) -> Result<u64> {
        Ok(self.0.get(&place, 0)?)
    }

    /// # Errors
    /// The map cannot be written.
    pub fn set(&mut self, place: u32, word: u64) -> Result<()> {
        Ok(self.0.set(place, word, 0)?)
    }

    /// Frees all places.
    ///
    /// # Errors
    /// The map cannot be written.
    pub fn clear(&mut self) -> Result<()> {
        (0..PLACES).try_for_each(|place| self.set(place, 0))
    }
}
