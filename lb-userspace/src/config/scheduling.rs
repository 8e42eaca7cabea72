//! How a service's clients are spread: `scheduler`, its flags, and `persistence`.

use std::time::Duration;

use super::block::{Block, Kind};
use super::check::duplicates;
use super::reader::{at, choice, integer, list};
use super::report::{At, Report};
use super::timing::seconds;
use super::{Persistence, Scheduler, SchedulerFlags};

const SCHEDULERS: &[(&str, Scheduler)] = &[
    ("mh", Scheduler::Mh),
    ("sh", Scheduler::Sh),
    ("rr", Scheduler::Rr),
    ("wrr", Scheduler::Wrr),
    ("lc", Scheduler::Lc),
    ("wlc", Scheduler::Wlc),
];
const FLAGS: &[(&str, Flag)] = &[("port", Flag::Port), ("fallback", Flag::Fallback)];

const LONGEST: Duration = Duration::from_secs(86_400);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Flag {
    Port,
    Fallback,
}

/// `None`: wrong, and reported.
pub(super) struct Scheduling {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) flags: Option<SchedulerFlags>,
    pub(super) persistence: Option<Option<Persistence>>,
}

/// `ipv6` is `None` where the service's address is wrong.
pub(super) fn read(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    ipv6: Option<bool>,
) -> Scheduling {
    let scheduler = service.default(report, "scheduler", Scheduler::Mh, choice(SCHEDULERS));
    Scheduling {
        scheduler,
        flags: flags(report, service, scheduler),
        persistence: persistence(report, service, ipv6),
    }
}

fn flags(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    scheduler: Option<Scheduler>,
) -> Option<SchedulerFlags> {
    let given = service.optional(report, "scheduler_flags", at(list(choice(FLAGS))))?;
    let Some(At { value: list, span }) = given else {
        return Some(SchedulerFlags::default());
    };
    if list.items.is_empty() {
        return Some(SchedulerFlags::default());
    }
    duplicates(
        report,
        list.items.iter().map(|flag| (flag.value, &flag.span)),
        |_| "`scheduler_flags` has a flag twice".to_owned(),
    );
    match scheduler {
        Some(Scheduler::Mh | Scheduler::Sh) | None => {}
        Some(other @ (Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc)) => {
            let other = other.name();
            report
                .error(&span, format!("scheduler {other:?} has no flags"))
                .hint("remove them: \"port\" and \"fallback\" are for mh and sh");
        }
    }
    let is_set = |flag| list.items.iter().any(|item| item.value == flag);
    Some(SchedulerFlags {
        port: is_set(Flag::Port),
        fallback: is_set(Flag::Fallback),
    })
}

/// `Some(None)`: the service has none.
fn persistence(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    ipv6: Option<bool>,
) -> Option<Option<Persistence>> {
    let Some(mut block) = service.block(report, "persistence", Kind::Persistence) else {
        return Some(None);
    };
    let timeout = block.required(report, "timeout", seconds(LONGEST));
    // All of it: an address is a client of its own.
    let bits = if ipv6 == Some(false) { 32 } else { 128 };
    let granularity = block.default(report, "granularity", bits, integer(1, bits.into()));
    block.finish(report, Some(service));

    Some(Some(Persistence {
        timeout: timeout?,
        granularity: granularity?,
    }))
}
