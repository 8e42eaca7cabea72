//! The difference between the kernel's services and the wanted ones, as operations. PURE.
//!
//! `mh` and `sh` fill their tables in the order of the kernel's list, which has the destination
//! added last first. The canonical order is descending by address (`dataplane::maglev`), so
//! destinations are added in ascending order, and those above one that comes in between are
//! taken out and added again. The kernel keeps a removed destination that has connections, and
//! gives it back with them.

use std::collections::BTreeMap;
use std::fmt;

use super::state::{Found, Options, Settings, Target};
use super::table::{Service, ServiceKey};

/// One write into the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub service: ServiceKey,
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    AddService(Options),
    EditService(Options),
    /// With all its destinations.
    RemoveService,
    AddDestination(Target, Settings),
    EditDestination(Target, Settings),
    RemoveDestination(Target),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = &self.service;
        match &self.change {
            Change::AddService(_) => write!(f, "service {service}: added"),
            Change::EditService(options) => {
                write!(
                    f,
                    "service {service}: set to scheduler {}",
                    options.scheduler
                )
            }
            Change::RemoveService => write!(f, "service {service}: removed"),
            Change::AddDestination(target, _) => {
                write!(f, "service {service}: destination {target} added")
            }
            Change::EditDestination(target, settings) => write!(
                f,
                "service {service}: destination {target} set to weight {}",
                settings.weight
            ),
            Change::RemoveDestination(target) => {
                write!(f, "service {service}: destination {target} removed")
            }
        }
    }
}

/// What brings the service `key` from what was `found` in the kernel to what is `wanted`; an
/// absent one is `None`.
#[must_use]
pub fn operations(
    key: ServiceKey,
    found: Option<&Found>,
    wanted: Option<&Service>,
) -> Vec<Operation> {
    let changes = match (found, wanted) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![Change::RemoveService],
        (None, Some(service)) => {
            let mut changes = vec![Change::AddService(Options::of(&key, service))];
            let all = destinations(&key, service);
            changes.extend(all.into_iter().map(add));
            changes
        }
        (Some(found), Some(service)) => changed(&key, found, service),
    };
    changes
        .into_iter()
        .map(|change| Operation {
            service: key,
            change,
        })
        .collect()
}

fn add((target, settings): (Target, Settings)) -> Change {
    Change::AddDestination(target, settings)
}

fn destinations(key: &ServiceKey, service: &Service) -> BTreeMap<Target, Settings> {
    let port = key.port();
    let all = service.destinations.iter();
    all.map(|(&address, destination)| (Target { address, port }, Settings::of(destination)))
        .collect()
}

fn changed(key: &ServiceKey, found: &Found, service: &Service) -> Vec<Change> {
    let options = Options::of(key, service);
    let wanted = destinations(key, service);
    let same_scheduler = found.options.scheduler == options.scheduler;
    let mut changes = match options.scheduler.as_str() {
        // Where the weight 0 was set, and not added, `mh` still goes by the weight before it.
        "mh" => ordered(found, &wanted, found.ours && same_scheduler),
        "sh" => ordered(found, &wanted, true),
        _ => unordered(found, &wanted),
    };
    // Last, so that a new scheduler starts with the complete list.
    if !found.options.serve(&options) {
        changes.push(Change::EditService(options));
    }
    changes
}

fn unordered(found: &Found, wanted: &BTreeMap<Target, Settings>) -> Vec<Change> {
    let kernel: BTreeMap<Target, Settings> = found.destinations.iter().copied().collect();
    let gone = kernel.keys().filter(|target| !wanted.contains_key(target));
    let mut changes: Vec<Change> = gone.copied().map(Change::RemoveDestination).collect();
    for (&target, &settings) in wanted {
        match kernel.get(&target) {
            None => changes.push(Change::AddDestination(target, settings)),
            Some(&now) if now != settings => {
                changes.push(Change::EditDestination(target, settings));
            }
            Some(_) => {}
        }
    }
    changes
}

/// Keeps the lowest destinations that already stand at the end of the list in their order, and
/// adds the others in front of them again. `zeros_count`: a weight that reads 0 has always been
/// one.
fn ordered(found: &Found, wanted: &BTreeMap<Target, Settings>, zeros_count: bool) -> Vec<Change> {
    let mut kept = BTreeMap::new();
    let mut list = found.destinations.iter().rev();
    for (target, settings) in wanted {
        let Some((_, now)) = list.find(|(listed, _)| listed == target) else {
            break;
        };
        if settings.weight == 0 && !(now.weight == 0 && zeros_count) {
            break;
        }
        kept.insert(*target, *now);
    }
    let out = found.destinations.iter().map(|&(target, _)| target);
    let out = out.filter(|target| !kept.contains_key(target));
    let mut changes: Vec<Change> = out.map(Change::RemoveDestination).collect();
    for (&target, &settings) in wanted {
        match kept.get(&target) {
            None => changes.push(Change::AddDestination(target, settings)),
            Some(&now) if now != settings => {
                changes.push(Change::EditDestination(target, settings));
            }
            Some(_) => {}
        }
    }
    changes
}

/// Whether a destination is taken out and comes back: until it does, its connections wait.
#[must_use]
pub fn takes_out_and_back(operations: &[Operation]) -> bool {
    let mut out = std::collections::BTreeSet::new();
    operations.iter().any(|operation| match &operation.change {
        Change::RemoveDestination(target) => {
            out.insert((operation.service, *target));
            false
        }
        Change::AddDestination(target, _) => out.contains(&(operation.service, *target)),
        Change::AddService(_)
        | Change::EditService(_)
        | Change::RemoveService
        | Change::EditDestination(..) => false,
    })
}

#[cfg(test)]
mod tests;
