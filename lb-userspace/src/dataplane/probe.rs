//! The programs of checks through the virtual address, in the kernel: loading them, telling them of
//! sockets, and getting them onto interfaces. They go with the process, but for kernels before 6.6,
//! where a filter stays that knows no sockets and does nothing.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aya::maps::{HashMap, MapData};
use aya::programs::ProgramError;
use aya::programs::links::LinkOrder;
use aya::programs::tc::{
    self, NlOptions, SchedClassifier, SchedClassifierLink, TcAttachOptions, TcAttachType,
};
use aya::{Ebpf, EbpfLoader};
use lb_common::probe::PROBES;

use super::table::address_bytes;

mod filter;

use filter::Filter;

/// A program and where it belongs: what comes in is looked at before, what goes out after others
/// have.
struct Part {
    program: &'static str,
    direction: TcAttachType,
    order: fn() -> LinkOrder,
}

const PARTS: [Part; 2] = [
    Part {
        program: "lvx_probe_out",
        direction: TcAttachType::Egress,
        order: LinkOrder::last,
    },
    Part {
        program: "lvx_probe_in",
        direction: TcAttachType::Ingress,
        order: LinkOrder::first,
    },
];

/// Maps with an entry or two for each probe that is under way, or was a while ago.
const MAPS: [&str; 3] = [PROBES, "answers", "talks"];
const LEAST_ROOM: u32 = 1 << 12;
const MOST_ROOM: u32 = 1 << 17;
/// Entries for each check.
const SHARE: u32 = 4;

/// Entries of those maps for so many checks.
#[must_use]
pub fn room_for(checks: usize) -> u32 {
    let checks = u32::try_from(checks).unwrap_or(MOST_ROOM);
    let wanted = checks.saturating_mul(SHARE).clamp(LEAST_ROOM, MOST_ROOM);
    wanted.next_power_of_two()
}

/// What checks need of the programs: to tell them of sockets, and to know that they are there.
pub struct Cookies {
    /// Map `probes`.
    map: Mutex<HashMap<MapData, u64, [u8; 16]>>,
    /// The kernel's ids of the programs.
    ids: [u32; 2],
    /// The interfaces on which they are, by name, with their filters; none, if they are links.
    places: Mutex<BTreeMap<String, Vec<Filter>>>,
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cookies")
    }
}

impl Cookies {
    /// From now on, what the socket with this cookie sends goes through `vip`.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ask(&self, cookie: u64, vip: IpAddr) -> io::Result<()> {
        let asked = held(&self.map).insert(cookie, address_bytes(vip), 0);
        asked.map_err(|error| io::Error::other(with_sources(&error)))
    }

    /// Whether both programs are on all interfaces where they were put, whoever may have taken them
    /// off.
    #[must_use]
    pub fn are_all_there(&self) -> bool {
        let places = held(&self.places);
        places.iter().all(|(name, by)| self.are_on(name, by))
    }

    fn are_on(&self, interface: &str, filters: &[Filter]) -> bool {
        if !filters.is_empty() {
            // What cannot be found out is not said to be gone.
            return filters.iter().all(|it| it.is_there().unwrap_or(true));
        }
        let is_there = |(part, id): (&Part, &u32)| {
            let query = SchedClassifier::query_tcx(interface, part.direction);
            // Else the interface is gone.
            query.is_ok_and(|(_, programs)| programs.iter().any(|program| program.id() == *id))
        };
        PARTS.iter().zip(&self.ids).all(is_there)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what is in it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By which means programs get onto an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// tcx, since kernel 6.6.
    Link,
    /// A filter of the interface's `clsact` qdisc.
    Filter,
}

/// An interface with both programs.
struct Carrier {
    name: String,
    /// They go when it is dropped.
    _links: [SchedClassifierLink; 2],
}

/// The loaded programs.
pub struct Probes {
    ebpf: Ebpf,
    cookies: Arc<Cookies>,
    room: u32,
    /// By the interface's index.
    carriers: BTreeMap<u32, Carrier>,
}

impl Probes {
    /// Loads the programs with maps of `room` entries.
    ///
    /// # Errors
    /// The kernel refuses, in words.
    pub fn load(object: &[u8], room: u32) -> Result<Self, String> {
        let mut loader = EbpfLoader::new();
        for map in MAPS {
            loader.map_max_entries(map, room);
        }
        let mut ebpf = loader.load(object).map_err(|error| with_sources(&error))?;
        let [out, back] = &PARTS;
        let ids = [load(&mut ebpf, out)?, load(&mut ebpf, back)?];
        let map = ebpf.take_map(PROBES);
        let map = map.ok_or("the object has no map `probes`")?;
        let map = HashMap::try_from(map).map_err(|error| with_sources(&error))?;
        Ok(Self {
            ebpf,
            cookies: Arc::new(Cookies {
                map: Mutex::new(map),
                ids,
                places: Mutex::default(),
            }),
            room,
            carriers: BTreeMap::new(),
        })
    }

    #[must_use]
    pub fn cookies(&self) -> Arc<Cookies> {
        Arc::clone(&self.cookies)
    }

    #[must_use]
    pub const fn room(&self) -> u32 {
        self.room
    }

    #[must_use]
    pub fn is_on(&self, index: u32) -> bool {
        self.carriers.contains_key(&index)
    }

    /// Puts both programs onto an interface.
    ///
    /// # Errors
    /// The kernel refuses, in words.
    pub fn attach(&mut self, index: u32, name: &str) -> Result<(), String> {
        self.attach_as(Hook::Link, index, name).or_else(|newer| {
            let attached = self.attach_as(Hook::Filter, index, name);
            attached.map_err(|older| format!("as links: {newer}; as filters: {older}"))
        })
    }

    /// The same by one means alone.
    ///
    /// # Errors
    /// The kernel refuses, in words.
    pub fn attach_as(&mut self, hook: Hook, index: u32, name: &str) -> Result<(), String> {
        let [out, back] = &PARTS;
        let links = [
            attach(&mut self.ebpf, out, hook, name)?,
            attach(&mut self.ebpf, back, hook, name)?,
        ];
        let filters = match hook {
            Hook::Link => Vec::new(),
            Hook::Filter => filters(&links, index).map_err(|error| with_sources(&error))?,
        };
        let carrier = Carrier {
            name: name.to_owned(),
            _links: links,
        };
        held(&self.cookies.places).insert(name.to_owned(), filters);
        self.carriers.insert(index, carrier);
        Ok(())
    }

    /// Takes the programs off all interfaces but these; says off which.
    pub fn retain(&mut self, kept: impl Fn(u32) -> bool) -> Vec<String> {
        let gone = self.carriers.extract_if(.., |index, _| !kept(*index));
        let gone: Vec<String> = gone.map(|(_, carrier)| carrier.name).collect();
        held(&self.cookies.places).retain(|name, _| !gone.contains(name));
        gone
    }

    /// Forgets the interfaces that have not both programs any more; says which.
    pub fn audit(&mut self) -> Vec<String> {
        let cookies = Arc::clone(&self.cookies);
        let mut places = held(&cookies.places);
        let lost = places.extract_if(.., |name, by| !cookies.are_on(name, by));
        let lost: Vec<String> = lost.map(|(name, _)| name).collect();
        self.carriers
            .retain(|_, carrier| !lost.contains(&carrier.name));
        lost
    }
}

/// Loads a program; the kernel's id of it.
fn load(ebpf: &mut Ebpf, part: &Part) -> Result<u32, String> {
    let program = program(ebpf, part)?;
    program.load().map_err(|error| with_sources(&error))?;
    let info = program.info().map_err(|error| with_sources(&error))?;
    Ok(info.id())
}

fn program<'e>(ebpf: &'e mut Ebpf, part: &Part) -> Result<&'e mut SchedClassifier, String> {
    let program = ebpf.program_mut(part.program);
    program
        .and_then(|program| program.try_into().ok())
        .ok_or_else(|| format!("the object has no classifier `{}`", part.program))
}

fn attach(
    ebpf: &mut Ebpf,
    part: &Part,
    hook: Hook,
    interface: &str,
) -> Result<SchedClassifierLink, String> {
    let program = program(ebpf, part)?;
    let mut no_qdisc = String::new();
    let options = match hook {
        Hook::Link => TcAttachOptions::TcxOrder((part.order)()),
        Hook::Filter => {
            // Others may use the qdisc: then it cannot be added, and that is no error.
            if let Err(error) = tc::qdisc_add_clsact(interface) {
                let error = with_sources(&error);
                no_qdisc = format!("; no qdisc clsact (module sch_ingress): {error}");
            }
            // An earlier daemon may have left its filters.
            let _ = tc::qdisc_detach_program(interface, part.direction, part.program);
            TcAttachOptions::Netlink(NlOptions::default())
        }
    };
    let attached = program.attach_with_options(interface, part.direction, options);
    let id = attached.map_err(|error| with_sources(&error) + &no_qdisc)?;
    program.take_link(id).map_err(|error| with_sources(&error))
}

fn filters(links: &[SchedClassifierLink; 2], interface: u32) -> Result<Vec<Filter>, ProgramError> {
    let parts = PARTS.iter().zip(links);
    parts
        .map(|(part, link)| Filter::of(link, interface, part.direction))
        .collect()
}

/// Takes off an interface what a daemon left there that died; whether there was anything.
#[must_use]
pub fn detach_left(interface: &str) -> bool {
    let detach =
        |part: &Part| tc::qdisc_detach_program(interface, part.direction, part.program).is_ok();
    // Each of them, whatever became of the other.
    PARTS.iter().filter(|part| detach(part)).count() > 0
}

/// An error with all its causes in one line.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_room_for_all_checks() {
        for (checks, room) in [
            (0, 4096),
            (1024, 4096),
            (1025, 8192),
            (10_000, 1 << 16),
            (usize::MAX, 1 << 17),
        ] {
            assert_eq!(room_for(checks), room, "{checks}");
        }
    }
}
