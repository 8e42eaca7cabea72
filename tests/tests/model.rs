//! The rule of slots and records, proved with a model: what happens at random happens to the real
//! program and to a model of it, and every packet meets the same server. Beside both stands a
//! witness that knows neither slots nor records, and holds the program to what clients expect.

use std::cell::RefCell;

use anyhow::{Context, Result, anyhow, ensure};
use lb_common::maglev::TableSize;
use lb_common::rule::Segment;
use lb_tests::sandbox::{Sandbox, in_sandbox};
use lb_tests::segment::{ACK, FIN, RST, SYN, UDP, destination};
use lb_userspace::dataplane::table::ForwardingTable;
use lb_userspace::dataplane::xdp::Xdp;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

#[path = "model/ops.rs"]
mod ops;
#[path = "model/reference.rs"]
mod reference;
#[path = "model/witness.rs"]
mod witness;
#[path = "model/world.rs"]
mod world;

use ops::{Change, Op, Packet, story};
use reference::Reference;
use witness::Witness;
use world::{Connection, Kind, World, server_of};

const CASES: u32 = 60;
const STEPS: usize = 60;
/// Small: tables are made anew with every change.
const SLOTS: u32 = 251;

/// The program, the model and the witness, all told the same.
struct Trial<'x> {
    xdp: &'x mut Xdp,
    world: World,
    model: Reference,
    witness: Witness,
}

/// The model knows nothing of cursors and loads.
fn in_model(kind: Kind) -> bool {
    !kind.method.keeps_flows()
}

impl<'x> Trial<'x> {
    /// Nothing is left of an earlier trial but the time.
    fn new(xdp: &'x mut Xdp) -> Result<Self> {
        xdp.apply(&ForwardingTable::default())?;
        let size = TableSize::new(SLOTS).context("a size")?;
        let mut trial = Self {
            model: Reference::new(size, xdp.now()),
            world: World::new(),
            witness: Witness::default(),
            xdp,
        };
        trial.apply()?;
        Ok(trial)
    }

    fn apply(&mut self) -> Result<()> {
        self.xdp.apply(&self.world.table(|_| true))?;
        self.model.apply(&self.world.table(in_model))
    }

    fn step(&mut self, op: &Op) -> Result<()> {
        match op {
            Op::Packets(packets) => packets.iter().try_for_each(|&(from, packet)| {
                let met = self.packet(from, packet);
                met.with_context(|| format!("{packet:?} of {from:?}"))
            }),
            Op::Change {
                service,
                server,
                change,
            } => self.change(*service, *server, *change),
            Op::Pass { seconds, sweeps } => {
                self.model.now += seconds;
                self.xdp.set_now(self.model.now);
                for _ in 0..*sweeps {
                    self.xdp.sweep()?;
                    self.model.sweep();
                }
                self.witness.swept();
                Ok(())
            }
        }
    }

    fn packet(&mut self, from: Connection, packet: Packet) -> Result<()> {
        let flow = from.flow();
        let (segment, frame) = match packet {
            _ if from.kind().protocol == UDP => (Segment::Datagram, flow.udp()),
            Packet::Syn => (Segment::Open, flow.tcp(SYN)),
            Packet::Data => (Segment::Data, flow.tcp(ACK)),
            Packet::Fin => (Segment::Close, flow.tcp(FIN)),
            Packet::Rst => (Segment::Close, flow.tcp(RST)),
        };
        let met = destination(self.xdp.program()?, &frame)?;
        if in_model(from.kind()) {
            let expected = self.model.packet(from, segment)?;
            ensure!(met == expected, "it met {met:?}, in the model {expected:?}");
        }
        let seen = met.map(|mac| server_of(from.service, mac).context("another's server"));
        let (seen, now) = (seen.transpose()?, self.model.now);
        self.witness.packet(&self.world, from, packet, seen, now)
    }

    fn change(&mut self, service: u8, server: u8, change: Change) -> Result<()> {
        let one = self.world.server(service, server);
        let before = *one;
        match change {
            Change::Add => one.configured = true,
            Change::Remove => one.configured = false,
            // Only what is configured is checked.
            Change::Fail if one.configured => one.healthy = false,
            Change::Fail => {}
            Change::Recover => one.healthy = true,
            Change::Weigh(weight) => one.weight = weight,
        }
        let after = *one;
        self.apply()?;
        if before.healthy && !after.healthy {
            self.witness.lost(service, server);
        } else if before.is_open() && !after.is_open() {
            self.witness.closed(service, server);
        }
        Ok(())
    }
}

fn tell(xdp: &mut Xdp, story: &[Op]) -> Result<()> {
    let mut trial = Trial::new(xdp)?;
    for (step, op) in story.iter().enumerate() {
        let done = trial.step(op);
        done.with_context(|| format!("step {step}: {op:?}"))?;
    }
    Ok(())
}

fn load(sandbox: &Sandbox) -> Result<Xdp> {
    let size = TableSize::new(SLOTS).context("a size")?;
    Ok(Xdp::load(sandbox.object, &sandbox.bpffs.join("lvx"), size)?)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// With the shortest story that fails, a line for each step.
fn explained(error: &TestError<Vec<Op>>) -> String {
    match error {
        TestError::Abort(reason) => reason.to_string(),
        TestError::Fail(reason, story) => {
            let steps = story.iter().enumerate();
            let steps = steps.map(|(step, op)| format!("\n{step}: {op:?}"));
            format!("{reason}{}", steps.collect::<String>())
        }
    }
}

/// `LVX_MODEL_SEED` repeats a run, `LVX_MODEL_CASES` makes a longer one.
#[test]
fn the_program_does_what_the_model_does_and_connections_stay() {
    in_sandbox(|sandbox| {
        let xdp = RefCell::new(load(sandbox)?);
        let now = std::time::UNIX_EPOCH.elapsed()?;
        let seed = number("LVX_MODEL_SEED").unwrap_or(now.as_nanos() as u64);
        eprintln!("LVX_MODEL_SEED={seed}");
        let mut runner = TestRunner::new(Config {
            cases: number("LVX_MODEL_CASES").map_or(CASES, |cases| cases as u32),
            failure_persistence: None,
            max_shrink_iters: 4096,
            max_shrink_time: 60_000,
            rng_seed: RngSeed::Fixed(seed),
            ..Config::default()
        });
        let run = runner.run(&story(STEPS), |story| {
            let told = tell(&mut xdp.borrow_mut(), &story);
            told.map_err(|error| TestCaseError::fail(format!("{error:#}")))
        });
        run.map_err(|error| anyhow!("LVX_MODEL_SEED={seed}: {}", explained(&error)))
    });
}
