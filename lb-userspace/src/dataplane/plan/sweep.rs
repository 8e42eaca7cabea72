//! What a look through the records changes: slots become stable, leaving servers go. PURE.

use std::sync::Arc;

use lb_common::layout::Service;
use lb_common::maglev::TableSize;

use super::super::sweep::{Census, Records};
use super::{Applied, AppliedService, Changes, Keeps, capacity};

/// Which maps of records are worth looking through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    pub exceptions: bool,
    pub persistence: bool,
    pub flows: bool,
}

impl Needs {
    #[must_use]
    pub const fn any(self) -> bool {
        self.exceptions || self.persistence || self.flows
    }
}

impl AppliedService {
    fn has_leaving(&self) -> bool {
        self.servers.values().any(|server| server.leaving.is_some())
    }
}

impl Applied {
    #[must_use]
    pub fn needs_sweep(&self) -> Needs {
        let mut needs = Needs {
            exceptions: self.exceptions,
            ..Needs::default()
        };
        for (key, service) in &self.services {
            let flows = Keeps::of(key, service.value.flags) == Keeps::Flows;
            needs.flows |= flows;
            needs.exceptions |= !service.slots.are_stable() || !flows && service.has_leaving();
            needs.persistence |= service.value.flags & Service::PERSISTENT != 0;
        }
        needs
    }

    /// The writes that follow from a census of this very state, and the state after them. `now`
    /// is [`lb_common::layout::Settings::now`].
    #[must_use]
    pub fn sweep(&self, census: &Census, size: TableSize, now: u64) -> (Changes, Self) {
        let mut next = self.clone();
        let mut changes = Changes::default();
        next.exceptions = census.records(Records::Exceptions) > 0;
        let capacity = capacity(size) as usize;
        for (key, service) in &mut next.services {
            let keeps = Keeps::of(key, service.value.flags);
            let table = service.value.table;
            // Whom a slot led to while the records were counted may have got new ones since.
            let named = if service.has_leaving() {
                service.slots.servers()
            } else {
                [].into()
            };
            if keeps == Keeps::Slots && (!service.slots.are_stable() || census.disagrees(table)) {
                let before = service.table(capacity);
                let disagrees = |slot| census.disagrees_in(table, slot);
                let service = Arc::make_mut(service);
                service.slots = service.slots.swept(disagrees, service.settling, now);
                let after = service.table(capacity);
                if before != after {
                    changes.tables.push((table, after));
                }
            }
            if service.has_leaving() {
                let servers = &mut Arc::make_mut(service).servers;
                servers.retain(|_, server| {
                    let Some(leaving) = server.leaving else {
                        return true;
                    };
                    let found = named.contains(&server.id) || census.connections(server.id) > 0;
                    let leaving = leaving.swept(found);
                    server.leaving = Some(leaving);
                    if leaving.is_over() {
                        server.retire(key, &mut changes);
                    }
                    !leaving.is_over()
                });
            }
            if keeps == Keeps::Flows {
                let ids = service.servers.values().map(|server| server.id);
                changes.loads.extend(ids.map(|id| (id, census.load(id))));
            }
        }
        (changes, next)
    }
}

#[cfg(test)]
mod tests;
