//! `check` of a service.

use std::time::Duration;

use super::block::{Block, Kind};
use super::reader::{at, choice, integer, time};
use super::report::Report;
use super::{Check, CheckKind, duration};

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(3600);
const INTERVAL: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(1);

const KINDS: &[(&str, CheckKind)] = &[("tcp", CheckKind::Tcp)];

/// `Some(None)`: the service has no check; `None`: wrong, and reported. `service_port` is `None`
/// where the service's address is wrong.
pub(super) fn read(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    service_port: Option<u16>,
) -> Option<Option<Check>> {
    let Some(mut block) = service.block(report, "check", Kind::Check) else {
        return Some(None);
    };
    let b = &mut block;
    let kind = b.required(report, "type", choice(KINDS));
    let port = b.optional(report, "port", integer(1, 65_535));
    let interval = b.default(report, "interval", INTERVAL, time(SHORTEST, LONGEST));
    let timeout = b.optional(report, "timeout", at(time(SHORTEST, LONGEST)));
    let rise = b.default(report, "rise", 2, integer(1, 255));
    let fall = b.default(report, "fall", 2, integer(1, 255));
    let jitter = b.default(report, "jitter", 10, integer(0, 50));
    block.finish(report, Some(service));
    let port = match (port?, service_port?) {
        (None, 0) => {
            report.absent(
                &block.span,
                "`port` is missing in `check`: the service takes all ports",
                "add `port = …`: the one to probe".to_owned(),
            );
            return None;
        }
        (None, port) | (Some(port), _) => port,
    };

    let interval = interval?;
    let timeout = match timeout? {
        None => TIMEOUT.min(interval),
        Some(timeout) if timeout.value > interval => {
            let interval = duration::show(interval);
            report
                .error(
                    &timeout.span,
                    format!("`timeout` is longer than `interval`, which is {interval}"),
                )
                .hint("a probe must be over before the next one starts");
            return None;
        }
        Some(timeout) => timeout.value,
    };
    Some(Some(Check {
        kind: kind?,
        port,
        interval,
        timeout,
        rise: rise?,
        fall: fall?,
        jitter: jitter?,
    }))
}
