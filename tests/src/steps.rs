//! The points of the main job, one function per step, shared by the demo and the tests.
//!
//! A step finds the lab as [`Lab::with_daemons`] leaves it (`lb1` MASTER, all configured real
//! servers up) and leaves it so unless it says otherwise. What it returns are the figures.

mod failover;
mod reload;
mod restart;
mod servers;
mod spread;

pub use failover::{host_dies, host_returns};
pub use reload::reloads;
pub use restart::{daemon_killed, stopped_cleanly};
pub use servers::{server_dies, server_returns};
pub use spread::{predicted, spread};

use std::fmt;

use anyhow::{Result, bail};

use crate::lab::Lab;

/// Real servers in the demo's lab; one more is there for the reload to add.
pub const SERVERS: u8 = 3;

/// What became of a point of the main job.
#[derive(Debug)]
pub struct Outcome {
    /// As the points are numbered in the demo's summary.
    pub point: u8,
    pub title: &'static str,
    /// The figures, or why it does not hold.
    pub result: Result<String>,
}

impl Outcome {
    fn new(point: u8, title: &'static str, result: Result<String>) -> Self {
        Self {
            point,
            title,
            result,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { point, title, .. } = self;
        match &self.result {
            Ok(figures) => write!(f, "{point} ok      {title}: {figures}"),
            Err(error) => write!(f, "{point} FAILED  {title}: {error:#}"),
        }
    }
}

/// A step of the demo, with the outcomes of the points it is about.
pub type Step = fn(&mut Lab) -> Vec<Outcome>;

/// All steps in an order in which each finds the lab as it needs it.
pub const ALL: [Step; 5] = [each_client, real_server, master_host, daemon, reload_load];

fn each_client(lab: &mut Lab) -> Vec<Outcome> {
    vec![Outcome::new(1, "each client has its server", spread(lab))]
}

fn real_server(lab: &mut Lab) -> Vec<Outcome> {
    let dies = server_dies(lab);
    let returns = after(&dies, || server_returns(lab));
    vec![
        Outcome::new(2, "a real server is killed", dies),
        Outcome::new(3, "it comes back", returns),
    ]
}

fn master_host(lab: &mut Lab) -> Vec<Outcome> {
    let (failover, held) = host_dies(lab);
    let returns = after(&failover, || host_returns(lab));
    vec![
        Outcome::new(4, "the master's host dies", failover),
        Outcome::new(8, "held connections survive that", held),
        Outcome::new(6, "the old master returns", returns),
    ]
}

fn daemon(lab: &mut Lab) -> Vec<Outcome> {
    let result = daemon_killed(lab)
        .and_then(|killed| Ok(format!("{killed}; clean stop: {}", stopped_cleanly(lab)?)));
    vec![Outcome::new(5, "the daemon is killed, is stopped", result)]
}

fn reload_load(lab: &mut Lab) -> Vec<Outcome> {
    vec![Outcome::new(7, "reloads under load", reloads(lab))]
}

/// A step that makes sense only after another one.
fn after(first: &Result<String>, then: impl FnOnce() -> Result<String>) -> Result<String> {
    match first {
        Ok(_) => then(),
        Err(_) => bail!("not tried, because the step before it failed"),
    }
}
