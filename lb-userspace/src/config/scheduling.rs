//! How a service's clients are spread: `scheduler`, its flags, and `persistence`.

use std::time::Duration;

use super::block::{Block, Kind};
use super::check::duplicates;
use super::reader::{at, choice, integer, list, time};
use super::report::{At, Report, Span};
use super::{Persistence, PlaneChoice, Scheduler, SchedulerFlags};

const SCHEDULERS: &[(&str, Scheduler)] = &[
    ("mh", Scheduler::Mh),
    ("sh", Scheduler::Sh),
    ("rr", Scheduler::Rr),
    ("wrr", Scheduler::Wrr),
    ("lc", Scheduler::Lc),
    ("wlc", Scheduler::Wlc),
];
const FLAGS: &[(&str, Flag)] = &[("port", Flag::Port), ("fallback", Flag::Fallback)];

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(86_400);
/// An address is a client of its own.
const GRANULARITY: u8 = 32;

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

/// `plane` is `None` where `[global]` is wrong.
pub(super) fn read(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    plane: Option<PlaneChoice>,
) -> Scheduling {
    let scheduler = scheduler(report, service, plane);
    Scheduling {
        scheduler,
        flags: flags(report, service, plane, scheduler),
        persistence: persistence(report, service, plane),
    }
}

/// Reports what the XDP program does not do yet, if `plane` has nothing else.
pub(super) fn needs_ipvs(
    report: &mut Report<'_>,
    plane: Option<PlaneChoice>,
    span: &Span,
    what: &str,
) {
    let plane = match plane {
        Some(PlaneChoice::Auto | PlaneChoice::Ipvs) | None => return,
        Some(xdp @ (PlaneChoice::Xdp | PlaneChoice::XdpNative | PlaneChoice::XdpGeneric)) => xdp,
    };
    let plane = plane.name();
    report
        .error(
            span,
            format!("{what} needs IPVS in this version of lvx, but `dataplane` is {plane:?}"),
        )
        .hint("write `dataplane = \"auto\"` in [global]; XDP will do it later");
}

fn scheduler(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    plane: Option<PlaneChoice>,
) -> Option<Scheduler> {
    let given = service.optional(report, "scheduler", at(choice(SCHEDULERS)))?;
    let Some(At { value, span }) = given else {
        return Some(Scheduler::Mh);
    };
    if value != Scheduler::Mh {
        let what = format!("`scheduler` = {:?}", value.name());
        needs_ipvs(report, plane, &span, &what);
    }
    Some(value)
}

fn flags(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    plane: Option<PlaneChoice>,
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
        Some(Scheduler::Mh | Scheduler::Sh) => {
            needs_ipvs(report, plane, &span, "`scheduler_flags`");
        }
        None => {}
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
    plane: Option<PlaneChoice>,
) -> Option<Option<Persistence>> {
    let Some(mut block) = service.block(report, "persistence", Kind::Persistence) else {
        return Some(None);
    };
    needs_ipvs(report, plane, &block.span, "`persistence`");
    let timeout = block.required(report, "timeout", at(time(SHORTEST, LONGEST)));
    let granularity = block.default(report, "granularity", GRANULARITY, integer(1, 32));
    block.finish(report, Some(service));

    let timeout = timeout?;
    if timeout.value.subsec_nanos() != 0 {
        let below = timeout.value.as_secs();
        report
            .error(&timeout.span, "`timeout` must be whole seconds")
            .hint(format!(
                "IPVS counts seconds: write \"{below}s\" or \"{}s\"",
                below + 1
            ));
        return None;
    }
    Some(Some(Persistence {
        timeout: timeout.value,
        granularity: granularity?,
    }))
}
