//! `garp`: the announcements of a master.

use std::time::Duration;

use crate::config::block::{Block, Kind};
use crate::config::reader::{at, integer, or_off, time};
use crate::config::report::Report;
use crate::config::{Garp, duration};

const SHORTEST: Duration = Duration::from_millis(10);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn read(report: &mut Report<'_>, instance: &mut Block<'_>) -> Option<Garp> {
    let default = Garp::default();
    let Some(mut block) = instance.block(report, "garp", Kind::Garp) else {
        return Some(default);
    };
    let b = &mut block;
    let count = b.default(report, "count", default.count, integer(1, 255));
    let interval = b.default(report, "interval", default.interval, time(SHORTEST, MINUTE));
    let delay = b.optional(report, "delay", at(or_off(time(SHORTEST, HOUR))));
    let refresh = b.default(
        report,
        "refresh",
        default.refresh,
        or_off(time(SECOND, DAY)),
    );
    let lower_priority = b.default(
        report,
        "lower_priority",
        default.lower_priority,
        integer(0, 255),
    );
    block.finish(report, Some(instance));

    let (count, interval) = (count?, interval?);
    let delay = match delay? {
        None => default.delay,
        Some(delay) => {
            let burst = interval * u32::from(count - 1);
            if delay.value.is_some_and(|delay| delay < burst) {
                let burst = duration::show(burst);
                report
                    .error(
                        &delay.span,
                        format!("`delay` is shorter than the first burst, which takes {burst}"),
                    )
                    .hint(format!(
                        "write at least \"{burst}\", or a smaller `count` or `interval`"
                    ));
                return None;
            }
            delay.value
        }
    };
    Some(Garp {
        count,
        interval,
        delay,
        refresh: refresh?,
        lower_priority: lower_priority?,
    })
}
