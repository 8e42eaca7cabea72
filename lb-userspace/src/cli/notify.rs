//! `lvx notify`: whether targets of notifications can be told.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Subcommand;

use crate::api::shape::{Answer, NotifyTest, NotifyTested, Request};

use super::Daemon;
use super::end::{End, ask, exit, misunderstood, unwritable};

/// Between two looks for what came of it.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Subcommand)]
pub(super) enum Verb {
    /// Send a test at once: exit 0 if it went out, else 1 with the error of each target
    Test {
        /// Name of the [[notify]] block; by default all are tested
        name: Option<String>,
        /// Print the outcomes as JSON, in the documented shape
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        daemon: Daemon,
    },
}

pub(super) fn run(verb: Verb) -> ExitCode {
    let Verb::Test { name, json, daemon } = verb;
    exit(&daemon.socket, test(&daemon.socket, name, json))
}

fn test(socket: &Path, name: Option<String>, json: bool) -> Result<(), End> {
    let Answer::NotifyTest(begun) = ask(socket, &Request::NotifyTest { target: name })? else {
        return Err(misunderstood());
    };
    let outcomes = wait(socket, begun)?;
    let text = if json {
        serde_json::to_string_pretty(&outcomes).map_err(|error| End::Failed(error.to_string()))?
    } else {
        let lines: Vec<String> = outcomes.iter().map(line).collect();
        lines.join("\n")
    };
    writeln!(io::stdout(), "{text}").map_err(unwritable)?;
    let failed = outcomes.iter().filter(|one| one.ok != Some(true)).count();
    if failed == 0 {
        return Ok(());
    }
    let all = outcomes.len();
    Err(End::Failed(format!(
        "{failed} of {all} targets cannot be told"
    )))
}

fn wait(socket: &Path, begun: NotifyTest) -> Result<Vec<NotifyTested>, End> {
    // The daemon ends it by then.
    let patience = Duration::from_millis(begun.within) + Duration::from_secs(1);
    let deadline = Instant::now() + patience;
    loop {
        let request = Request::NotifyTested { test: begun.test };
        let Answer::NotifyTested(outcomes) = ask(socket, &request)? else {
            return Err(misunderstood());
        };
        let over = outcomes.iter().all(|one| one.ok.is_some());
        if over || Instant::now() >= deadline {
            return Ok(outcomes);
        }
        std::thread::sleep(PAUSE);
    }
}

fn line(outcome: &NotifyTested) -> String {
    let NotifyTested {
        name, means, error, ..
    } = outcome;
    match (outcome.ok, error) {
        (Some(true), _) => format!("{name} ({means}): ok"),
        (Some(false), Some(error)) => format!("{name} ({means}): FAILED: {error}"),
        (Some(false), None) | (None, _) => format!("{name} ({means}): FAILED: it did not end"),
    }
}
