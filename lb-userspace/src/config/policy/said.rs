//! What a block of `[[service]]` or `[[service.real_server]]` says of its servers.

use std::time::Duration;

use super::super::block::Block;
use super::super::reader::{at, choice, time};
use super::super::report::{At, Report};
use super::super::{Initial, Manner, OnFailure, Scheduler};
use super::{Around, HOUR, SECOND, needs_check, span};

const INITIALS: &[(&str, Initial)] = &[
    ("up", Initial::Up),
    ("down", Initial::Down),
    ("check", Initial::Check),
];
const FAILURES: &[(&str, OnFailure)] = &[
    ("remove", OnFailure::Remove),
    ("quiesce", OnFailure::Quiesce),
];

/// What one block says of its servers. `Some(None)`: nothing; `None`: wrong, and reported.
pub(in super::super) struct Said {
    initial: Option<Option<At<Initial>>>,
    on_failure: Option<Option<At<OnFailure>>>,
    slow_start: Option<Option<At<Duration>>>,
}

impl Said {
    pub(in super::super) fn read(report: &mut Report<'_>, block: &mut Block<'_>) -> Self {
        Self {
            initial: block.optional(report, "initial", at(choice(INITIALS))),
            on_failure: block.optional(report, "on_failure", at(choice(FAILURES))),
            slow_start: block.optional(report, "slow_start", at(time(SECOND, HOUR))),
        }
    }

    /// What a server's block and its service's come to.
    pub(in super::super) fn manner(&self, service: &Self) -> Option<Manner> {
        Some(Manner {
            initial: either(&self.initial, &service.initial)?.unwrap_or_default(),
            on_failure: either(&self.on_failure, &service.on_failure)?.unwrap_or_default(),
            slow_start: either(&self.slow_start, &service.slow_start)?,
        })
    }

    /// Reports what the service makes nothing of.
    pub(in super::super) fn fits(&self, report: &mut Report<'_>, around: &Around) {
        let given = [
            ("initial", span(&self.initial)),
            ("on_failure", span(&self.on_failure)),
            ("slow_start", span(&self.slow_start)),
        ];
        for (key, span) in given {
            if let Some(span) = span {
                needs_check(report, key, span, around);
            }
        }
        let (Some(span), Some(scheduler)) = (span(&self.slow_start), around.scheduler) else {
            return;
        };
        match scheduler {
            Scheduler::Mh | Scheduler::Sh | Scheduler::Wrr | Scheduler::Wlc => {}
            Scheduler::Rr | Scheduler::Lc => {
                let name = scheduler.name();
                report
                    .error(
                        span,
                        format!("`slow_start` does nothing with scheduler {name:?}"),
                    )
                    .hint(format!(
                        "it knows no weights: write `scheduler = \"w{name}\"`"
                    ));
            }
        }
    }
}

fn either<T: Copy>(
    own: &Option<Option<At<T>>>,
    outer: &Option<Option<At<T>>>,
) -> Option<Option<T>> {
    let (own, outer) = (own.as_ref()?, outer.as_ref()?);
    Some(own.as_ref().or(outer.as_ref()).map(|at| at.value))
}
