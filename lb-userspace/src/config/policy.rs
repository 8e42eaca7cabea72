//! What follows from verdicts: keys of `[[service]]` and its real servers.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address::server_address;
use super::block::{Block, Kind};
use super::command::script;
use super::fits::fits_service;
use super::reader::{at, integer, time};
use super::report::{At, Report, Span};
use super::{Damping, Policy, Quorum, Scheduler, Share};

mod said;
mod share;

pub(super) use said::Said;
use share::{percent, share};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

fn span<T>(given: &Option<Option<At<T>>>) -> Option<&Span> {
    given.as_ref()?.as_ref().map(|at| &at.span)
}

/// What the policy must go together with.
pub(super) struct Around {
    pub(super) scheduler: Option<Scheduler>,
    pub(super) has_check: bool,
    pub(super) servers: Vec<IpAddr>,
    /// All blocks of servers could be read.
    pub(super) certain: bool,
}

/// What could be read of a service's policy.
pub(super) struct Draft {
    policy: Option<Policy>,
    min_healthy: Option<At<Share>>,
    hysteresis: Option<At<u16>>,
    fallback: Option<At<IpAddr>>,
    max_down_at_once: Option<At<Share>>,
    /// Keys that only a check gives a meaning.
    given: Vec<(&'static str, Span)>,
}

pub(super) fn read(
    report: &mut Report<'_>,
    service: &mut Block<'_>,
    vip: Option<&At<SocketAddr>>,
    script_user: &str,
) -> Draft {
    let s = service;
    let flap_damping = damping(report, s);
    let min_healthy = s.optional(report, "min_healthy", at(share));
    let hysteresis = s.optional(report, "hysteresis", at(integer(0, 65_535)));
    let orphan = min_healthy.as_ref().is_some_and(Option::is_none);
    if let (true, Some(Some(hysteresis))) = (orphan, &hysteresis) {
        without_quorum(report, "hysteresis", &hysteresis.span);
    }
    let mut command = |report: &mut Report<'_>, key| {
        let value = s.take(key);
        if let (true, Some(value)) = (orphan, value) {
            without_quorum(report, key, &value.span());
        }
        script(report, s, value, script_user)
    };
    let up = command(report, "quorum_up");
    let down = command(report, "quorum_down");
    let fallback = s
        .optional(report, "fallback", at(server_address))
        .and_then(|given| fallback(report, given, vip));
    let panic_threshold = s.optional(report, "panic_threshold", at(percent));
    let max_down_at_once = s.optional(report, "max_down_at_once", at(share));

    let given = [
        (
            "flap_damping",
            flap_damping
                .as_ref()
                .and_then(|d| Some(d.as_ref()?.span.clone())),
        ),
        ("min_healthy", span(&min_healthy).cloned()),
        ("panic_threshold", span(&panic_threshold).cloned()),
        ("max_down_at_once", span(&max_down_at_once).cloned()),
    ];
    let quorum = || {
        let (min_healthy, hysteresis) = (min_healthy.as_ref()?, hysteresis.as_ref()?);
        let (up, down) = (up.clone()?, down.clone()?);
        Some(min_healthy.as_ref().map(|min_healthy| Quorum {
            min_healthy: min_healthy.value,
            hysteresis: hysteresis.as_ref().map_or(0, |at| at.value),
            up,
            down,
        }))
    };
    let policy = || {
        Some(Policy {
            quorum: quorum()?,
            fallback: fallback.as_ref()?.as_ref().map(|at| at.value),
            panic_threshold: panic_threshold.as_ref()?.as_ref().map(|at| at.value),
            max_down_at_once: max_down_at_once.as_ref()?.as_ref().map(|at| at.value),
            flap_damping: flap_damping.as_ref()?.as_ref().map(|at| at.value),
        })
    };
    Draft {
        policy: policy(),
        min_healthy: min_healthy.flatten(),
        hysteresis: hysteresis.flatten(),
        fallback: fallback.flatten(),
        max_down_at_once: max_down_at_once.flatten(),
        given: given
            .into_iter()
            .filter_map(|(key, span)| Some((key, span?)))
            .collect(),
    }
}

impl Draft {
    /// `None`: wrong, and reported.
    pub(super) fn finish(self, report: &mut Report<'_>, around: &Around) -> Option<Policy> {
        for (key, span) in &self.given {
            needs_check(report, key, span, around);
        }
        if let Some(fallback) = &self.fallback
            && around.servers.contains(&fallback.value)
        {
            let address = fallback.value;
            report
                .error(
                    &fallback.span,
                    format!("`fallback` {address} is one of the service's real servers"),
                )
                .hint("write the address of another server, or remove it");
        }
        if around.certain {
            self.fits_number(report, around.servers.len());
        }
        self.policy
    }

    fn fits_number(&self, report: &mut Report<'_>, servers: usize) {
        let counts = match servers {
            1 => "the service has 1 real server".to_owned(),
            servers => format!("the service has {servers} real servers"),
        };
        if let Some(min_healthy) = &self.min_healthy {
            let needed = min_healthy.value.at_least(servers);
            let shown = min_healthy.value.show();
            let more = self.hysteresis.as_ref();
            if needed > servers {
                report
                    .error(
                        &min_healthy.span,
                        format!("`min_healthy` is {shown}, but {counts}"),
                    )
                    .hint("it could never be reached: write a lower number");
            } else if let Some(more) = more
                && needed + usize::from(more.value) > servers
            {
                report
                    .error(
                        &more.span,
                        format!(
                            "`min_healthy` and `hysteresis` are {} together, but {counts}",
                            needed + usize::from(more.value)
                        ),
                    )
                    .hint("a quorum that is lost could never be regained: write a lower number");
            }
        }
        if let Some(max_down) = &self.max_down_at_once
            && max_down.value.at_most(servers) >= servers
        {
            let shown = max_down.value.show();
            report
                .error(
                    &max_down.span,
                    format!("`max_down_at_once` is {shown}, but {counts}"),
                )
                .hint("so many may always be down: write a lower number, or remove it");
        }
    }
}

fn damping(report: &mut Report<'_>, service: &mut Block<'_>) -> Option<Option<At<Damping>>> {
    let Some(mut block) = service.block(report, "flap_damping", Kind::Damping) else {
        return Some(None);
    };
    let b = &mut block;
    let changes = b.default(report, "changes", 4, integer(2, 1000));
    let within = b.default(report, "within", 60 * SECOND, time(SECOND, DAY));
    let hold = b.default(report, "hold", 30 * SECOND, time(SECOND, DAY));
    block.finish(report, Some(service));
    let value = Damping {
        changes: changes?,
        within: within?,
        hold: hold?,
    };
    let span = block.span.clone();
    Some(Some(At { value, span }))
}

fn fallback(
    report: &mut Report<'_>,
    given: Option<At<(IpAddr, Option<u16>)>>,
    vip: Option<&At<SocketAddr>>,
) -> Option<Option<At<IpAddr>>> {
    let Some(At {
        value: (address, port),
        span,
    }) = given
    else {
        return Some(None);
    };
    if let Some(vip) = vip {
        fits_service(report, &span, address, port, vip.value)?;
    }
    Some(Some(At {
        value: address,
        span,
    }))
}

fn needs_check(report: &mut Report<'_>, key: &str, span: &Span, around: &Around) {
    if !around.has_check {
        let message = format!("`{key}` does nothing: the service has no `check`");
        report.absent(span, message, "add a `check`, or remove it".to_owned());
    }
}

fn without_quorum(report: &mut Report<'_>, key: &str, span: &Span) {
    let message = format!("`{key}` does nothing without `min_healthy`");
    report.absent(
        span,
        message,
        "add `min_healthy = …`, or remove it".to_owned(),
    );
}
