//! Programs and maps of the packet path's benchmark.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context, Result, ensure};
use aya::programs::ProgramFd;
use lb_userspace::dataplane::xdp::{Sizes, Xdp};

use super::case::{Case, Contents, XDP_TX};
use crate::feed::Programs;
use crate::records::records;
use crate::sandbox::Sandbox;

const PACKETS: u32 = 1_000_000;

/// Stages of the path by themselves, each with what it does; all of them parse.
pub(super) const STAGES: [(&str, &str); 3] = [
    ("stage_parse", "parse"),
    ("stage_places", "parse, places in the index of services"),
    ("stage_slot", "parse, number of the client's slot"),
];

/// Our data plane and the feeder, loaded.
pub(super) struct Rig {
    /// Filled.
    ours: BTreeMap<Contents, Xdp>,
    programs: Programs,
}

impl Rig {
    pub(super) fn new(sandbox: &Sandbox) -> Result<Self> {
        let names = ["feeder", "feeder_v6", "bare_tx", "bare_pass"];
        let mut programs = Programs::load(&names)?;
        for (name, _) in STAGES {
            programs.get(name)?.load()?;
        }
        let mut ours = BTreeMap::new();
        for case in &Case::ALL {
            let number = ours.len().to_string();
            if let Entry::Vacant(entry) = ours.entry(case.contents) {
                let directory = sandbox.bpffs.join(number);
                let mut sizes = Sizes::default();
                if !case.contents.samples {
                    sizes.sample = 0;
                }
                let mut xdp = Xdp::load(sandbox.object, &directory, sizes)?;
                for table in case.contents.tables() {
                    xdp.apply(&table)?;
                }
                entry.insert(xdp);
            }
        }
        Ok(Self { ours, programs })
    }

    /// Why a case cannot be measured, if so.
    pub(super) fn refusal(&mut self, case: &Case) -> Result<Option<String>> {
        if !case.contents.unstable {
            return Ok(None);
        }
        // Its first packets leave records, if the slots are what they shall be.
        self.measure(case)?;
        let records = records(self.ours(case)?.program()?, "exceptions")?.len();
        let enough = records >= case.flows as usize * 9 / 10;
        Ok((!enough).then(|| format!("{records} records of {} flows", case.flows)))
    }

    /// Nanoseconds per packet of the bare program, feeder included.
    pub(super) fn measure_bare(&mut self, case: &Case) -> Result<f64> {
        let name = if case.action == XDP_TX {
            "bare_tx"
        } else {
            "bare_pass"
        };
        self.measure_stage(case, name)
    }

    /// Nanoseconds per packet of a program of the feeder's object, feeder included.
    pub(super) fn measure_stage(&mut self, case: &Case, name: &str) -> Result<f64> {
        let program = self.programs.get(name)?.fd()?.try_clone()?;
        self.feed(case, &program)
    }

    /// Nanoseconds per packet of our program, feeder included.
    pub(super) fn measure(&mut self, case: &Case) -> Result<f64> {
        let program = self.ours(case)?.program()?.fd()?.try_clone()?;
        self.feed(case, &program)
    }

    fn ours(&mut self, case: &Case) -> Result<&mut Xdp> {
        self.ours.get_mut(&case.contents).context("the case's rig")
    }

    fn feed(&mut self, case: &Case, program: &ProgramFd) -> Result<f64> {
        let feeder = case.contents.kind.feeder();
        let (action, taken) =
            self.programs
                .feed(feeder, case.feed(), &case.headers(), PACKETS, program)?;
        ensure!(
            action == case.action,
            "action {action}, not {}",
            case.action
        );
        Ok(taken.as_nanos() as f64)
    }
}
