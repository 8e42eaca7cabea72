//! Checks through the virtual address: keeps their programs where they belong, and tells the checks
//! where that is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::config::{RealServer, Service};
use crate::control::Control;
use crate::control::through::Through;
use crate::dataplane::probe::{Probes, room_for};
use crate::events::{Event, Journal, Kind};
use crate::health::{Checks, Way, Ways};
use crate::object::probe_object;

use super::Daemon;

/// Between two attempts at what the kernel refused.
const RETRY: Duration = Duration::from_secs(10);

/// The programs, and what was made of them.
pub(super) struct Opening {
    probes: Option<Probes>,
    /// What was brought about last.
    standing: Option<Through>,
    /// Why there are no programs, though they are wanted.
    missing: Option<String>,
    /// Why an interface has none, by index.
    refused: BTreeMap<u32, String>,
    retry_at: Option<Instant>,
    journal: Journal,
}

impl Opening {
    pub(super) const fn new(journal: Journal) -> Self {
        Self {
            probes: None,
            standing: None,
            missing: None,
            refused: BTreeMap::new(),
            retry_at: None,
            journal,
        }
    }

    /// Brings the programs to what the checks want. Whatever fails, the servers are asked for their
    /// own addresses.
    pub(super) fn follow<T>(&mut self, control: &Control, checks: &Checks<T>, now: Instant) {
        let wanted = control.through();
        let due = self.retry_at.is_some_and(|at| now >= at);
        if self.standing.as_ref() == Some(&wanted) && !due {
            return;
        }
        self.retry_at = None;
        tokio::task::block_in_place(|| self.bring_to(&wanted));
        if self.missing.is_some() || !self.refused.is_empty() {
            self.retry_at = Some(now + RETRY);
        }
        checks.open(self.ways(&wanted));
        self.standing = Some(wanted);
    }

    fn bring_to(&mut self, wanted: &Through) {
        self.refused
            .retain(|index, _| wanted.interfaces.contains_key(index));
        if wanted.interfaces.is_empty() {
            self.probes = None;
            self.missing = None;
            return;
        }
        let room = room_for(wanted.checks);
        if self
            .probes
            .as_ref()
            .is_none_or(|probes| probes.room() < room)
        {
            // What is under way meanwhile fails once at most.
            self.probes = None;
            match load(room) {
                Ok(probes) => self.probes = Some(probes),
                Err(why) => return self.miss(why),
            }
        }
        self.missing = None;
        let Some(probes) = &mut self.probes else {
            return;
        };
        for name in probes.retain(|index| wanted.interfaces.contains_key(&index)) {
            tracing::info!(interface = name, "programs of checks detached");
        }
        for (index, name) in &wanted.interfaces {
            if probes.is_on(*index) {
                continue;
            }
            match probes.attach(*index, name) {
                Ok(()) => {
                    self.refused.remove(index);
                    tracing::info!(interface = name, "programs of checks attached");
                }
                Err(why) => {
                    let text = format!(
                        "checks cannot go through virtual addresses on {name}, and ask the \
                         servers' own alone: {why}"
                    );
                    if self.refused.insert(*index, why).is_none() {
                        self.journal.tell(Event::new(Kind::Failure, text));
                    }
                }
            }
        }
    }

    fn miss(&mut self, why: String) {
        let text = format!(
            "checks cannot go through virtual addresses, and ask the servers' own alone: {why}"
        );
        if self.missing.replace(why).is_none() {
            self.journal.tell(Event::new(Kind::Failure, text));
        }
    }

    fn ways(&self, wanted: &Through) -> Ways {
        let is_on = |index: &u32| self.probes.as_ref().is_some_and(|it| it.is_on(*index));
        let way = |index: &Option<u32>| match index {
            Some(index) if is_on(index) => Way::Open,
            Some(_) | None => Way::Closed,
        };
        let servers = wanted.servers.iter();
        let interfaces = wanted.interfaces.iter().filter(|(index, _)| is_on(index));
        Ways {
            servers: servers
                .map(|(server, index)| (*server, way(index)))
                .collect(),
            interfaces: interfaces.map(|(_, name)| name.clone()).collect(),
            cookies: self.probes.as_ref().map(Probes::cookies),
        }
    }

    /// Looks whether the programs are where they were put; what was taken off comes back with the
    /// next [`Self::follow`]. Says which interfaces it is about.
    pub(super) fn audit(&mut self) -> Vec<String> {
        let Some(probes) = &mut self.probes else {
            return Vec::new();
        };
        let gone = tokio::task::block_in_place(|| probes.audit());
        if !gone.is_empty() {
            self.standing = None;
        }
        gone
    }

    /// Why the check of a service does not go through its address, if it should.
    pub(super) fn warning(&self, service: &Service) -> Option<String> {
        let standing = self.standing.as_ref()?;
        let goes_through = |server: &&RealServer| {
            let check = service.check_of(server);
            check.is_some_and(|check| check.probe.through_vip().next().is_some())
        };
        let mut servers = service.real_servers.iter().filter(goes_through).peekable();
        servers.peek()?;
        let of_server = |server: &RealServer| {
            let index = (*standing.servers.get(&server.address)?)?;
            let on = self.probes.as_ref().is_some_and(|it| it.is_on(index));
            let no_ethernet = || "their interface has no Ethernet".to_owned();
            (!on).then(|| {
                self.refused
                    .get(&index)
                    .cloned()
                    .unwrap_or_else(no_ethernet)
            })
        };
        let why = self.missing.clone();
        let why = why.or_else(|| servers.find_map(of_server))?;
        let vip = service.address.ip();
        Some(format!(
            "its check asks the servers for their own addresses alone, not for {vip}: {why}"
        ))
    }
}

impl Daemon {
    pub(super) fn open_checks(&mut self) {
        let now = Instant::now();
        self.opening.follow(&self.control, &self.checks, now);
    }

    pub(super) fn audit_checks(&mut self) {
        if self.must_wait(Instant::now()) {
            return;
        }
        for interface in self.opening.audit() {
            // One that is gone needs none.
            if self.control.links().contains_key(&interface) {
                self.repaired(&format!("programs of checks on {interface}"));
            }
        }
    }
}

fn load(room: u32) -> Result<Probes, String> {
    let object = probe_object().ok_or(
        "this lvx was built without the programs for it: build it with `cargo xtask build`",
    )?;
    Probes::load(object, room)
}
