//! Taking over what an earlier daemon left: its maps, if they mean the same.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use aya_obj::generated::bpf_map_type;
use lb_common::layout::{LAYOUT_VERSION, MAX_SERVICES, Settings};

use super::pins::{MAPS, Pins};
use super::sizes::Sizes;
use super::sys::{self, MapInfo};

/// Maps that can be made anew, and their contents copied, when only their size changed.
const RESIZABLE: [&str; 3] = ["exceptions", "persistence", "flows"];

/// What was left.
pub(super) struct Left {
    /// To be used on.
    pub(super) maps: BTreeMap<&'static str, OwnedFd>,
    /// Maps of records of another size, with their numbers of buckets: to be copied.
    pub(super) resized: Vec<(&'static str, OwnedFd, u32)>,
}

/// Looks at the pinned maps. `Ok(None)`: there are none.
///
/// # Errors
/// Why they cannot be used: the program forwards with them until it is replaced.
pub(super) fn left(object: &[u8], directory: &Path, sizes: &Sizes) -> Result<Option<Left>, String> {
    let pins = Pins::published(directory);
    if !pins.path("services").exists() {
        return Ok(None);
    }
    let expected = expected(object, sizes)?;
    let mut left = Left {
        maps: BTreeMap::new(),
        resized: Vec::new(),
    };
    for map in MAPS {
        let fd = sys::open_pin(&pins.path(map)).map_err(|error| format!("map {map}: {error}"))?;
        let found = sys::map_info(fd.as_fd()).map_err(|error| format!("map {map}: {error}"))?;
        let wanted = expected.get(map).ok_or(format!("map {map} is unknown"))?;
        if found == *wanted {
            left.maps.insert(map, fd);
        } else if RESIZABLE.contains(&map)
            && (MapInfo {
                max_entries: wanted.max_entries,
                ..found
            }) == *wanted
        {
            left.resized.push((map, fd, found.max_entries));
        } else {
            return Err(format!("map {map} has another layout"));
        }
    }
    let settings: Option<Settings> = sys::lookup(left.maps["settings"].as_fd(), &0u32)
        .map_err(|error| format!("map settings: {error}"))?;
    let settings = settings.unwrap_or_default();
    if settings.version != LAYOUT_VERSION {
        return Err(format!("their layout is version {}", settings.version));
    }
    if settings.table_size != sizes.table.slots().get() {
        return Err(format!("their tables have {} slots", settings.table_size));
    }
    Ok(Some(left))
}

/// The maps as the object and the configuration want them.
fn expected(object: &[u8], sizes: &Sizes) -> Result<BTreeMap<String, MapInfo>, String> {
    let object = aya_obj::Object::parse(object).map_err(|error| error.to_string())?;
    let info = |(name, map): (&String, &aya_obj::Map)| {
        let info = MapInfo {
            kind: map.map_type(),
            key_size: map.key_size(),
            value_size: map.value_size(),
            max_entries: map.max_entries(),
        };
        (name.clone(), info)
    };
    let mut all: BTreeMap<String, MapInfo> = object.maps.iter().map(info).collect();
    for (name, buckets, _) in sizes.buckets() {
        if let Some(map) = all.get_mut(name) {
            map.max_entries = buckets;
        }
    }
    for (name, max_entries) in [("tables", MAX_SERVICES), ("service_index", 1)] {
        let outer = MapInfo {
            kind: bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS as u32,
            key_size: 4,
            value_size: 4,
            max_entries,
        };
        all.insert(name.to_owned(), outer);
    }
    Ok(all)
}

/// All of a hash map.
pub(super) fn hash<K, V>(map: &OwnedFd) -> io::Result<Vec<(K, V)>>
where
    K: sys::Pod + Default,
    V: sys::Pod + Default,
{
    let mut all = Vec::new();
    for key in sys::keys::<K>(map.as_fd())? {
        if let Some(value) = sys::lookup(map.as_fd(), &key)? {
            all.push((key, value));
        }
    }
    Ok(all)
}
