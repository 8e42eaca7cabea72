//! The maps of records, as they are: also what a sweep would remove.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aya::maps::{Array, Map, MapData};
use aya::programs::Xdp;
use lb_common::record::{Key, PLACES, Record};

/// All records in one of the program's maps.
///
/// # Errors
/// The program has no such map, or it cannot be read.
pub fn records(program: &Xdp, map: &str) -> Result<BTreeMap<Key, Record>> {
    let ids = program.info()?.map_ids()?.unwrap_or_default();
    let mut found = None;
    for id in ids {
        let data = MapData::from_id(id)?;
        if data.info()?.name_as_str() == Some(map) {
            found = Some(Map::Array(data));
        }
    }
    let found = found.with_context(|| format!("the program has no map `{map}`"))?;
    // Each place is a key and a record; key 0 is nobody's.
    let buckets: Array<_, [u64; 2 * PLACES]> = Array::try_from(found)?;
    let mut all = BTreeMap::new();
    for bucket in buckets.iter() {
        let bucket = bucket?;
        let places = bucket.chunks_exact(2).filter(|place| place[0] != 0);
        all.extend(places.map(|place| (Key::from_word(place[0]), Record::from_word(place[1]))));
    }
    Ok(all)
}
