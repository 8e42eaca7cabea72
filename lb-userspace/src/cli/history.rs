//! `lvx status --history`.

use std::fmt::Write;
use std::time::Duration;

use crate::api::shape::{History, Transition};
use crate::control::history::span;

use super::time;

/// A line for each transition, latest first.
pub(super) fn text(history: &History) -> String {
    if history.transitions.is_empty() {
        return "no real server has changed its state since the daemon's start".to_owned();
    }
    let width = |of: fn(&Transition) -> usize| history.transitions.iter().map(of).max();
    let service = width(|one| one.service.len()).unwrap_or_default();
    let server = width(|one| one.server.to_string().len()).unwrap_or_default();
    let mut out = String::new();
    for one in &history.transitions {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{} {:service$} {:server$} {:<11} after {:<7} {:<11} {}",
            time::with_date(one.at),
            one.service,
            one.server.to_string(),
            one.to,
            span(Duration::from_millis(one.lasted)),
            one.from,
            one.cause
        );
    }
    if history.left_out > 0 {
        let _ = writeln!(
            out,
            "{} older ones are left out: ask for a service, or for a real server of it",
            history.left_out
        );
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transition(service: &str, server: &str, to: &str) -> Transition {
        Transition {
            at: 1_700_000_000_123,
            service: service.to_owned(),
            server: server.parse().unwrap(),
            from: "up".to_owned(),
            to: to.to_owned(),
            cause: "connect refused".to_owned(),
            lasted: 7_380_000,
        }
    }

    #[test]
    fn a_line_has_time_server_states_and_cause_in_columns() {
        let mut history = History {
            transitions: vec![
                transition("web", "192.0.2.21", "down"),
                transition("mail", "192.0.2.5", "unreachable"),
            ],
            left_out: 0,
        };
        let lines = |history: &History| -> Vec<String> {
            let text = text(history);
            let lines = text.lines().map(|line| match line.split_once(".123 ") {
                Some((_, rest)) => rest.to_owned(),
                None => line.to_owned(),
            });
            lines.collect()
        };
        let expected = [
            "web  192.0.2.21 down        after 2h 3m   up          connect refused",
            "mail 192.0.2.5  unreachable after 2h 3m   up          connect refused",
        ];
        assert_eq!(lines(&history), expected);
        history.left_out = 7;
        assert!(lines(&history)[2].starts_with("7 older ones are left out"));
        history.transitions.clear();
        assert!(text(&history).starts_with("no real server has changed"));
    }
}
