//! When an instance becomes master, or takes part at all: `preempt`, `preempt_delay`,
//! `startup_delay`, and `accept`. An owner (priority 255) has no choice in most of it.

use std::num::NonZeroU8;
use std::time::Duration;

use crate::config::Preempt;
use crate::config::block::Block;
use crate::config::reader::{at, boolean, time};
use crate::config::report::{At, Report};

/// As long as keepalived has it.
const LONGEST: Duration = Duration::from_secs(1000);

pub(super) fn preempt(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    priority: Option<NonZeroU8>,
) -> Option<Preempt> {
    let preempt = block.optional(report, "preempt", at(boolean));
    let delay = block.optional(report, "preempt_delay", at(time(Duration::ZERO, LONGEST)));
    let (preempt, delay) = (preempt?, delay?);
    let owner = priority == Some(NonZeroU8::MAX);
    match (preempt, delay) {
        (Some(At { value: false, .. }), Some(At { span, .. })) => {
            report
                .error(&span, "`preempt_delay` does nothing with `preempt = false`")
                .hint("remove one of them: a master is either never replaced, or after the delay");
            None
        }
        // RFC 9568 section 6.1: the owner preempts, whatever the flag says.
        (Some(At { value: false, span }), None) if owner => {
            report
                .error(&span, "`preempt = false` does nothing with priority 255")
                .hint(
                    "remove it, or use a lower priority: the owner of an address always takes it",
                );
            None
        }
        (_, Some(At { value, span })) if owner && !value.is_zero() => {
            report
                .error(&span, "`preempt_delay` does nothing with priority 255")
                .hint(
                    "use `startup_delay`, or a lower priority: the owner takes its address at once",
                );
            None
        }
        (Some(At { value: false, .. }), None) => Some(Preempt::Never),
        (_, Some(At { value, .. })) if !value.is_zero() => Some(Preempt::After(value)),
        (_, Some(_) | None) => Some(Preempt::Always),
    }
}

pub(super) fn startup_delay(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Duration> {
    let read = time(Duration::ZERO, LONGEST);
    block.default(report, "startup_delay", Duration::ZERO, read)
}

pub(super) fn accept(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    priority: Option<NonZeroU8>,
) -> Option<bool> {
    let accept = block.optional(report, "accept", at(boolean))?;
    match accept {
        // RFC 9568 section 6.1: the owner accepts, whatever the flag says.
        Some(At { value: false, span }) if priority == Some(NonZeroU8::MAX) => {
            report
                .error(&span, "`accept = false` does nothing with priority 255")
                .hint("remove it, or use a lower priority: the addresses are the owner's own");
            None
        }
        Some(At { value, .. }) => Some(value),
        None => Some(true),
    }
}
