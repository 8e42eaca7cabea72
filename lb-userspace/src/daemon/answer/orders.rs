//! `lvx disable`, `enable`, `drain`, `undrain` and `weight`.

use std::time::{Duration, Instant};

use crate::api::shape::{Answer, Drained, Ordered};
use crate::config::DRAIN_DEADLINES;
use crate::control::orders::{Hold, OrderError};
use crate::control::{Control, ServerState};
use crate::events::{Event, Kind};
use crate::health::Subject;

use super::Daemon;

#[cfg(test)]
mod tests;

/// Longest reason, in characters.
const REASON: usize = 200;

/// What is ordered about a real server.
pub(super) enum Command {
    Disable {
        reason: Option<String>,
    },
    Enable,
    Drain {
        /// Seconds.
        deadline: Option<u64>,
    },
    Undrain,
    Weight(u16),
    ClearWeight,
}

impl Command {
    const fn name(&self) -> &'static str {
        match self {
            Self::Disable { .. } => "disable",
            Self::Enable => "enable",
            Self::Drain { .. } => "drain",
            Self::Undrain => "undrain",
            Self::Weight(_) | Self::ClearWeight => "weight",
        }
    }
}

/// An order that was carried out.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    /// As in "real server … is …".
    what: String,
    answer: Answer,
}

impl Daemon {
    /// Carries out an order, tells of it, and writes it down.
    pub(super) fn order_server(
        &mut self,
        subject: &Subject,
        command: Command,
        uid: Option<u32>,
    ) -> Result<Answer, String> {
        let (name, now) = (command.name(), Instant::now());
        let before = self.control.orders().get(subject);
        let before = before.map(|order| order.words(now)).unwrap_or_default();
        let done = carry_out(&mut self.control, subject, command, now)?;
        let (service, server) = (&subject.service, subject.real_server);
        let who = uid.map_or_else(String::new, |uid| format!(" of user id {uid}"));
        let text = format!(
            "real server {server} of {service} is {}, by order{who}",
            done.what
        );
        let event = Event::new(Kind::Order, text).server(service, server);
        let event = event.field("order", name).field("before", before);
        self.journal.tell(match uid {
            Some(uid) => event.field("uid", uid),
            None => event,
        });
        let recorded = self.orders.record(&self.control);
        recorded.map_err(|error| format!("done, but {error}"))?;
        Ok(done.answer)
    }
}

fn carry_out(
    control: &mut Control,
    subject: &Subject,
    command: Command,
    now: Instant,
) -> Result<Done, String> {
    let (service, server) = (&*subject.service, subject.real_server);
    let before = control.orders().get(subject).cloned().unwrap_or_default();
    let replaced = before.hold.map(|hold| hold.words(now));
    let words = |error: OrderError| error.to_string();
    let (what, text, replaced) = match command {
        Command::Disable { reason } => {
            check_reason(reason.as_deref())?;
            let hold = Hold::Disabled {
                reason: reason.clone(),
            };
            let done = control.disable(service, server, reason, now);
            done.map_err(words)?;
            let text = "gets no packets any more: its connections break";
            (hold.words(now), text.to_owned(), replaced)
        }
        Command::Enable => {
            let what = match control.enable(service, server, now).map_err(words)? {
                Hold::Disabled { .. } => "disabled no more",
                Hold::Drained { .. } => "drained no more",
            };
            (what.to_owned(), whether_clients(control, subject), replaced)
        }
        Command::Drain { deadline } => {
            let deadline = deadline.map(Duration::from_secs);
            if deadline.is_some_and(|deadline| !DRAIN_DEADLINES.contains(&deadline)) {
                return Err("the deadline must be from 1s to 30d".to_owned());
            }
            let deadline = control.drain(service, server, deadline, now);
            let deadline = deadline.map_err(words)?;
            let left = deadline.map(|until| until.saturating_duration_since(now).as_secs());
            return Ok(Done {
                what: Hold::Drained { deadline }.words(now),
                answer: Answer::Drained(Drained {
                    deadline: left,
                    replaced,
                }),
            });
        }
        Command::Undrain => {
            control.undrain(service, server, now).map_err(words)?;
            return Ok(Done {
                what: "drained no more".to_owned(),
                answer: Answer::Undrained,
            });
        }
        Command::Weight(weight) => {
            let done = control.set_weight(service, server, weight, now);
            done.map_err(words)?;
            let before = before.weight.map(|weight| format!("of weight {weight}"));
            let text = format!(
                "has weight {weight}, whatever the configuration and its check say, and {}",
                whether_clients(control, subject)
            );
            (format!("given weight {weight}"), text, before)
        }
        Command::ClearWeight => {
            let weight = control.clear_weight(service, server, now).map_err(words)?;
            let text = format!(
                "has the weight of the configuration and its check again, and {}",
                whether_clients(control, subject)
            );
            let before = Some(format!("of weight {weight}"));
            ("given its own weight again".to_owned(), text, before)
        }
    };
    let answer = Answer::Ordered(Ordered { text, replaced });
    Ok(Done { what, answer })
}

/// What the server gets now; for an order that did not take clients from it, or not all.
fn whether_clients(control: &Control, subject: &Subject) -> String {
    let Some(state) = control.state(subject) else {
        return "is not configured".to_owned();
    };
    let name = state.name();
    match &state {
        ServerState::Up { .. } => "gets clients".to_owned(),
        ServerState::Draining { .. } => {
            format!("gets no new clients: {}", control.why_weightless(subject))
        }
        ServerState::Checking => "gets clients when its check succeeds".to_owned(),
        ServerState::SlowStart { .. } | ServerState::Kept { .. } => match state.reason() {
            Some(reason) => format!("gets clients: it is {name} ({reason})"),
            None => "gets clients".to_owned(),
        },
        ServerState::Down { .. }
        | ServerState::Resolving
        | ServerState::Unreachable { .. }
        | ServerState::Disabled { .. }
        | ServerState::Quiesced { .. }
        | ServerState::Drained => match state.reason() {
            Some(reason) => format!("gets no clients: it is {name} ({reason})"),
            None => format!("gets no clients: it is {name}"),
        },
    }
}

/// It is shown in one line.
fn check_reason(reason: Option<&str>) -> Result<(), String> {
    let Some(reason) = reason else { return Ok(()) };
    if reason.trim().is_empty() {
        return Err("the reason is empty: leave --reason out".to_owned());
    }
    if reason.chars().any(char::is_control) {
        return Err("the reason must be one line, without control characters".to_owned());
    }
    let length = reason.chars().count();
    if length > REASON {
        return Err(format!(
            "the reason has {length} characters; at most {REASON} are shown"
        ));
    }
    Ok(())
}
