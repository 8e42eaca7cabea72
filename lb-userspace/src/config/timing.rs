//! A service's times: `timeouts`, `affinity` and `drain_deadline`, in whole seconds.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::block::{Block, Kind, Value};
use super::reader::{at, choice, time};
use super::report::{At, Report};
use super::{Affinity, Protocol, Timeouts, duration};

const AFFINITIES: &[(&str, Affinity)] = &[("none", Affinity::None), ("client", Affinity::Client)];

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = HOUR.saturating_mul(24);
/// The program keeps these two in 16 bits.
const LONGEST_SHORT: Duration = HOUR.saturating_mul(18);
/// What a drain's deadline can be, in whole seconds.
pub const DRAIN_DEADLINES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=DAY.saturating_mul(30);

/// `None`: wrong, and reported.
pub(super) struct Timing {
    pub(super) timeouts: Option<Timeouts>,
    pub(super) affinity: Option<Affinity>,
    pub(super) drain_deadline: Option<Option<Duration>>,
}

/// `protocol` is `None` where it is wrong.
pub(super) fn read(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    protocol: Option<Protocol>,
) -> Timing {
    Timing {
        timeouts: timeouts(report, service, protocol),
        affinity: affinity(report, service, protocol),
        drain_deadline: service.optional(report, "drain_deadline", seconds(*DRAIN_DEADLINES.end())),
    }
}

/// A drain's deadline as the command line has it, written as in the file.
///
/// # Errors
/// Why it is none.
pub fn drain_deadline(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text).map_err(|error| {
        format!("it {error}: write a number and a unit, ms, s, m, h or d, like \"10m\"")
    })?;
    if time.subsec_nanos() != 0 || !DRAIN_DEADLINES.contains(&time) {
        return Err("it must be whole seconds from 1s to 30d".to_owned());
    }
    Ok(time)
}

/// A span of time as the file writes it.
#[must_use]
pub fn show_duration(time: Duration) -> String {
    duration::show(time)
}

/// A span of time from one second on, in whole seconds.
pub(super) fn seconds(max: Duration) -> impl Fn(&mut Report<'_>, Value<'_>) -> Option<Duration> {
    let read = time(Duration::from_secs(1), max);
    move |report, value| {
        let time = read(report, value)?;
        if time.subsec_nanos() == 0 {
            return Some(time);
        }
        let (subject, below) = (value.subject(), time.as_secs());
        report
            .error(&value.span(), format!("{subject} must be whole seconds"))
            .hint(format!("write \"{below}s\" or \"{}s\"", below + 1));
        None
    }
}

fn timeouts(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    protocol: Option<Protocol>,
) -> Option<Timeouts> {
    let default = match protocol {
        Some(Protocol::Udp) => Timeouts::UDP,
        Some(Protocol::Tcp | Protocol::Sctp) | None => Timeouts::TCP,
    };
    let Some(mut block) = service.block(report, "timeouts", Kind::Timeouts) else {
        return Some(default);
    };
    let b = &mut block;
    let opening = b.optional(report, "opening", at(seconds(LONGEST_SHORT)));
    let established = b.default(report, "established", default.established, seconds(DAY));
    let closing = b.optional(report, "closing", at(seconds(LONGEST_SHORT)));
    block.finish(report, Some(service));
    let (opening, closing) = (opening?, closing?);
    if protocol? != Protocol::Udp {
        return Some(Timeouts {
            opening: opening.map_or(default.opening, |time| time.value),
            established: established?,
            closing: closing.map_or(default.closing, |time| time.value),
        });
    }
    let mut right = true;
    for (key, given) in [("opening", opening), ("closing", closing)] {
        if let Some(At { span, .. }) = given {
            right = false;
            report
                .error(&span, format!("a UDP service has no `{key}` timeout"))
                .hint("remove it: UDP has no beginning and no end, `established` counts alone");
        }
    }
    let established = established?;
    right.then_some(Timeouts {
        established,
        ..Timeouts::UDP
    })
}

fn affinity(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    protocol: Option<Protocol>,
) -> Option<Affinity> {
    let given = service.optional(report, "affinity", at(choice(AFFINITIES)))?;
    let Some(At { value, span }) = given else {
        return Some(Affinity::None);
    };
    match (value, protocol) {
        (Affinity::Client, Some(other @ (Protocol::Tcp | Protocol::Sctp))) => {
            let other = other.name();
            report
                .error(
                    &span,
                    format!("`affinity` = \"client\" is for UDP, not {other:?}"),
                )
                .hint("remove it: connections keep their server anyway");
            None
        }
        (Affinity::Client, Some(Protocol::Udp) | None) | (Affinity::None, _) => Some(value),
    }
}
