//! What others change in the maps is found, named, and put right.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use aya::Pod;
use aya::maps::{Array, ArrayOfMaps, DevMapHash, HashMap, Map, MapData};
use lb_tests::forwarding::{LOOPBACK, flow, service, table};
use lb_tests::sandbox::in_sandbox;
use lb_tests::segment::{SYN, destination};
use lb_userspace::dataplane::table::Mac;
use lb_userspace::dataplane::xdp::{Sizes, Xdp};

use super::{CLIENTS, directory, load};

const HOSTS: [u8; 3] = [10, 11, 12];

/// `ServiceKey` and `Service` as bytes.
type Services = HashMap<MapData, [u8; 20], [u8; 40]>;

struct Damage {
    /// Words of the report that the audit has to give.
    names: &'static [&'static str],
    /// Packets go wrong by it.
    felt: bool,
    make: fn(&Path) -> Result<()>,
}

fn pinned(directory: &Path, map: &str) -> Result<MapData> {
    Ok(MapData::from_pin(directory.join(map))?)
}

fn array<V: Pod>(directory: &Path, map: &str) -> Result<Array<MapData, V>> {
    Ok(Array::try_from(Map::Array(pinned(directory, map)?))?)
}

fn inner<V: Pod>(directory: &Path, map: &str, index: u32) -> Result<Array<MapData, V>> {
    let outer: ArrayOfMaps<_, Array<MapData, V>> =
        ArrayOfMaps::try_from(Map::ArrayOfMaps(pinned(directory, map)?))?;
    Ok(outer.get(&index, 0)?)
}

fn services(directory: &Path) -> Result<Services> {
    let map = Map::HashMap(pinned(directory, "services")?);
    Ok(HashMap::try_from(map)?)
}

/// Changes each entry that is not zero.
fn change<V: Pod + PartialEq + Default>(
    mut map: Array<MapData, V>,
    change: impl Fn(V) -> V,
) -> Result<()> {
    for index in 0..map.len() {
        let value = map.get(&index, 0)?;
        if value != V::default() {
            map.set(index, change(value), 0)?;
        }
    }
    Ok(())
}

const DAMAGES: [Damage; 10] = [
    Damage {
        names: &["pin tables: made again", "pin exceptions: made again"],
        felt: false,
        make: |directory| {
            for map in ["tables", "exceptions"] {
                fs::remove_file(directory.join(map))?;
            }
            Ok(())
        },
    },
    Damage {
        names: &["map services: 1 entries written again"],
        felt: false,
        make: |directory| {
            let mut map = services(directory)?;
            let first = map.keys().next().transpose()?.unwrap_or([0; 20]);
            Ok(map.remove(&first)?)
        },
    },
    Damage {
        names: &["map services: 3 entries written again"],
        felt: false,
        make: |directory| {
            let mut map = services(directory)?;
            let keys: Vec<_> = map.keys().collect::<Result<_, _>>()?;
            for key in keys {
                map.insert(key, [0; 40], 0)?;
            }
            Ok(())
        },
    },
    Damage {
        names: &["map services: an entry of nobody removed"],
        felt: false,
        make: |directory| Ok(services(directory)?.insert([7; 20], [7; 40], 0)?),
    },
    Damage {
        names: &["map service_index: written again"],
        felt: true,
        make: |directory| change(inner(directory, "service_index", 0)?, |_: [u64; 8]| [0; 8]),
    },
    Damage {
        names: &["map real_servers: 30 entries written again"],
        felt: true,
        make: |directory| {
            change(array(directory, "real_servers")?, |mut server: [u64; 8]| {
                server[0] ^= 0xff << 56;
                server
            })
        },
    },
    Damage {
        names: &["map entries: 30 entries written again"],
        felt: false,
        make: |directory| change(array(directory, "entries")?, |_: u64| 0),
    },
    Damage {
        names: &["map tables: 1 tables written again"],
        felt: true,
        make: |directory| change(inner(directory, "tables", 1)?, |_: u64| 0),
    },
    Damage {
        names: &["map interfaces: interface 1 written again"],
        felt: false,
        make: |directory| {
            let map = Map::HashMap(pinned(directory, "interfaces")?);
            let mut map: HashMap<_, u32, [u8; 8]> = HashMap::try_from(map)?;
            Ok(map.remove(&LOOPBACK)?)
        },
    },
    Damage {
        names: &["map interfaces: interface 1 written again"],
        felt: false,
        make: |directory| {
            let map = Map::DevMapHash(pinned(directory, "tx_ports")?);
            Ok(DevMapHash::try_from(map)?.remove(LOOPBACK)?)
        },
    },
];

/// Where new connections go, of all services.
fn spread(xdp: &mut Xdp) -> Result<Vec<Option<Mac>>> {
    let mut all = Vec::new();
    for host in HOSTS {
        for client in 0..CLIENTS {
            all.push(destination(xdp.program()?, &flow(host, client).tcp(SYN))?);
        }
    }
    Ok(all)
}

fn names(directory: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(directory)?;
    let name = |entry: std::io::Result<fs::DirEntry>| Ok(entry?.file_name().display().to_string());
    entries.map(name).collect()
}

#[test]
fn an_audit_names_and_repairs_what_others_changed() {
    in_sandbox(|sandbox| {
        let mut xdp = load(sandbox, Sizes::default())?;
        let services = HOSTS.map(|host| (host, service(LOOPBACK, |_| 1)));
        xdp.apply(&table(LOOPBACK, services))?;
        xdp.publish()?;
        let directory = directory(sandbox);
        let (right, pins) = (spread(&mut xdp)?, names(&directory)?);
        let first = xdp.audit()?;
        ensure!(first.is_empty(), "nobody changed anything: {first:?}");
        for damage in &DAMAGES {
            let expected = damage.names;
            (damage.make)(&directory)?;
            let felt = spread(&mut xdp)? != right;
            ensure!(felt == damage.felt, "{expected:?}: felt: {felt}");
            let told = xdp.audit()?;
            ensure!(told == expected, "{told:?}, not {expected:?}");
            ensure!(spread(&mut xdp)? == right, "{expected:?}: not right again");
            ensure!(names(&directory)? == pins, "{:?}", names(&directory)?);
            let again = xdp.audit()?;
            ensure!(again.is_empty(), "{expected:?}: again {again:?}");
        }
        Ok(())
    });
}
