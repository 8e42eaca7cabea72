//! `check` of a service, or of one of its real servers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::block::{Block, Kind};
use super::check::SCRIPT_USER;
use super::reader::{at, boolean, choice, integer, time};
use super::report::{At, Report};
use super::{Check, Global, Origin, Protocol, When, duration};

mod http;
mod local;
mod probe;
mod query;
mod tls;
mod value;
mod via;

use probe::{Around, TYPES};
pub(super) use tls::trust;
pub(super) use value::pair_of_files;

const WHENS: &[(&str, When)] = &[("always", When::Always), ("master", When::Master)];

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(3600);
const INTERVAL: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(1);

/// `Some(None)`: the block has no check; `None`: wrong, and reported. `address` and `protocol`
/// are the service's, `None` where they are wrong.
pub(super) fn read(
    report: &mut Report<'_>,
    outer: &mut Block<'_>,
    address: Option<SocketAddr>,
    protocol: Option<Protocol>,
    global: Option<&Global>,
) -> Option<Option<Arc<Check>>> {
    let Some(mut block) = outer.block(report, "check", Kind::Check) else {
        return Some(None);
    };
    let b = &mut block;
    let kind = b.required(report, "type", choice(TYPES));
    let interval = b.default(report, "interval", INTERVAL, time(SHORTEST, LONGEST));
    let timeout = b.optional(report, "timeout", at(time(SHORTEST, LONGEST)));
    let timeout = interval
        .zip(timeout)
        .and_then(|(interval, timeout)| within(report, interval, timeout));
    let rise = b.default(report, "rise", 2, integer(1, 255));
    let fall = b.default(report, "fall", 2, integer(1, 255));
    let jitter = b.default(report, "jitter", 10, integer(0, 50));
    let passive = passive(report, b, protocol, global);
    let when = b.default(report, "when", When::Always, choice(WHENS));
    let around = Around {
        address,
        protocol,
        via: None,
        port: address
            .map(|address| address.port())
            .filter(|port| *port > 0),
        connect_address: None,
        origin: Origin::default(),
        script_user: global.map_or(SCRIPT_USER, |global| &global.script_user),
        timeout: timeout.unwrap_or(TIMEOUT),
    };
    let probe = kind.and_then(|kind| probe::read(report, b, kind, &around));
    if kind.is_some() {
        // Otherwise it is not known which keys it has.
        block.finish(report, Some(outer));
    }
    Some(Some(Arc::new(Check {
        probe: probe?,
        interval: interval?,
        timeout: timeout?,
        rise: rise?,
        fall: fall?,
        jitter: jitter?,
        passive: passive?,
        when: when?,
    })))
}

/// Whether clients that get no answer make the check probe at once: the program must know them.
fn passive(
    report: &mut Report<'_>,
    check: &mut Block<'_>,
    protocol: Option<Protocol>,
    global: Option<&Global>,
) -> Option<bool> {
    let passive = check.optional(report, "passive", at(boolean))?;
    let Some(passive) = passive.filter(|passive| passive.value) else {
        return Some(false);
    };
    if let Some(other) = protocol.filter(|protocol| *protocol != Protocol::Tcp) {
        let name = other.name();
        report
            .error(
                &passive.span,
                format!("`passive` is for TCP services, and this one is {name}"),
            )
            .hint("only TCP tells whether a client got an answer: leave `passive` out");
        return None;
    }
    if global.is_some_and(|global| global.passive_sample.is_none()) {
        report
            .error(
                &passive.span,
                "`passive` looks at sampled connections, and [global] passive_sample is \"off\"",
            )
            .hint("leave one of both out");
        return None;
    }
    Some(true)
}

/// The time that a probe has.
fn within(
    report: &mut Report<'_>,
    interval: Duration,
    timeout: Option<At<Duration>>,
) -> Option<Duration> {
    match timeout {
        None => Some(TIMEOUT.min(interval)),
        Some(timeout) if timeout.value > interval => {
            let interval = duration::show(interval);
            report
                .error(
                    &timeout.span,
                    format!("`timeout` is longer than `interval`, which is {interval}"),
                )
                .hint("a probe must be over before the next one starts");
            None
        }
        Some(timeout) => Some(timeout.value),
    }
}
