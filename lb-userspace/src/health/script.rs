//! Script check: the exit status of a program is the verdict.

use crate::config::Script;
use crate::script::{End, Ended};

use super::attempt::Attempt;
use super::failure::Failure;
use super::outcome::{Good, Outcome, Weight};

/// Runs the program, which has a limit to its time of its own and may take a moment more to end.
pub(super) async fn probe(attempt: &Attempt<'_>, script: &Script) -> Outcome {
    let server = attempt.server();
    let service = attempt.subject.service.to_string();
    let (address, port) = (server.ip().to_string(), server.port().to_string());
    let more = [service.clone(), address.clone(), port.clone()];
    let variables = [
        ("LVX_SERVICE", service),
        ("LVX_SERVER", address),
        ("LVX_PORT", port),
    ];
    let ended = attempt.tools.scripts.run(script, &more, &variables).await;
    match good(&ended) {
        Some(good) => Ok(good),
        None => Err(Failure::Script {
            program: script.program.display().to_string(),
            ended,
        }),
    }
}

/// 0 is up; 2 to 255 are up with a weight, as keepalived's MISC_CHECK has it.
fn good(ended: &Ended) -> Option<Good> {
    let weight = match ended.end {
        End::Good => None,
        End::Exit(code @ 2..=255) => Some(Weight::Is(u16::try_from(code - 2).ok()?)),
        End::Exit(_) | End::Signal(_) | End::TimedOut(_) | End::NotStarted(_) | End::Lost(_) => {
            return None;
        }
    };
    Some(Good {
        weight,
        ..Good::default()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn exit_statuses() {
        for (end, weight) in [
            (End::Good, Some(None)),
            (End::Exit(1), None),
            (End::Exit(2), Some(Some(Weight::Is(0)))),
            (End::Exit(255), Some(Some(Weight::Is(253)))),
            (End::Signal(9), None),
            (End::TimedOut(Duration::from_secs(1)), None),
        ] {
            let ended = Ended {
                end: end.clone(),
                last_line: None,
            };
            assert_eq!(good(&ended).map(|good| good.weight), weight, "{end:?}");
        }
    }
}
