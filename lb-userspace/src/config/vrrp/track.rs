//! `track`: what an instance's priority, or its taking part, hangs on.

use std::num::{NonZeroI16, NonZeroU8, NonZeroU16};
use std::time::Duration;

use crate::config::block::{Block, Kind, Value};
use crate::config::check::duplicates;
use crate::config::command::{Command, command, user};
use crate::config::network::network;
use crate::config::reader::{absolute_path, at, integer, interface, name, one_of, string, time};
use crate::config::report::{At, Report};
use crate::config::{Script, Track, Tracked, TrackedScript, duration};

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);
const INTERVAL: Duration = Duration::from_secs(1);
/// The span between the lowest and the highest priority that can change, 1 to 254.
const WEIGHT: i64 = 253;

/// The key that says what is watched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    Interface,
    Script,
    File,
    Process,
    Route,
    Service,
}

const WATCHES: &[(&str, Watch)] = &[
    ("interface", Watch::Interface),
    ("script", Watch::Script),
    ("file", Watch::File),
    ("process", Watch::Process),
    ("route", Watch::Route),
    ("service", Watch::Service),
];

/// Keys that only one of them has.
const DETAILS: &[(&str, Watch)] = &[
    ("interval", Watch::Script),
    ("timeout", Watch::Script),
    ("rise", Watch::Script),
    ("fall", Watch::Script),
    ("user", Watch::Script),
    ("at_least", Watch::Process),
    ("min_healthy", Watch::Service),
];

impl Watch {
    fn key(self) -> &'static str {
        let found = WATCHES.iter().find(|(_, watch)| *watch == self);
        found.map_or("", |(key, _)| key)
    }
}

/// What the rest of the file says that bears on it.
pub(super) struct Around<'i> {
    /// The instance's own.
    pub(super) interface: Option<&'i str>,
    pub(super) priority: Option<NonZeroU8>,
    pub(super) script_user: &'i str,
}

/// Each at its table; a service's is at its name. `None`: something is wrong, and reported.
pub(super) fn read(
    report: &mut Report<'_>,
    instance: &mut Block<'_>,
    around: &Around<'_>,
) -> Option<Vec<At<Track>>> {
    let blocks = instance.blocks_or_one(report, "track", Kind::Track);
    let tracks: Vec<_> = blocks
        .into_iter()
        .map(|block| one(report, block, instance, around))
        .collect();
    let read = tracks.iter().flatten();
    duplicates(
        report,
        read.map(|track| (&track.value.what, &track.span)),
        |_| "the same thing is tracked twice".to_owned(),
    );
    tracks.into_iter().collect()
}

fn one(
    report: &mut Report<'_>,
    mut block: Block<'_>,
    instance: &Block<'_>,
    around: &Around<'_>,
) -> Option<At<Track>> {
    let b = &mut block;
    let mut watched = Vec::new();
    for (key, watch) in WATCHES {
        watched.extend(b.take(key).map(|value| (*watch, value)));
    }
    let weight = b.optional(report, "weight", at(weight));
    let what = match watched.as_slice() {
        [(watch, value)] => {
            let what = tracked(report, b, *watch, *value, around.script_user);
            stray_details(report, b, *watch);
            what.map(|what| At {
                value: what,
                span: value.span(),
            })
        }
        [] => {
            known_details(b);
            let keys = one_of(WATCHES.iter().map(|(key, _)| format!("`{key}`")));
            let message = "`track` does not say what to watch";
            report.absent(&b.span, message, format!("add {keys}"));
            None
        }
        [(first, _), (second, value), ..] => {
            known_details(b);
            let (first, second) = (first.key(), second.key());
            report
                .error(
                    &value.span(),
                    format!("`track` has both `{first}` and `{second}`"),
                )
                .hint("write a table for each: `track = [{ … }, { … }]`");
            None
        }
    };
    block.finish(report, Some(instance));
    let (weight, what) = (weight?, what?);
    if let Some(weight) = &weight {
        weight_counts(report, weight, &what.value, around)?;
    }
    Some(At {
        value: Track {
            what: what.value,
            weight: weight.map(|weight| weight.value),
        },
        span: what.span,
    })
}

fn tracked(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    watch: Watch,
    value: Value<'_>,
    script_user: &str,
) -> Option<Tracked> {
    match watch {
        Watch::Interface => interface(report, value).map(Tracked::Interface),
        Watch::Script => script(report, block, value, script_user).map(Tracked::Script),
        Watch::File => absolute_path(report, value).map(Tracked::File),
        Watch::Process => {
            let name = process(report, value);
            let at_least = block.default(report, "at_least", NonZeroU16::MIN, non_zero);
            Some(Tracked::Process {
                name: name?,
                at_least: at_least?,
            })
        }
        Watch::Route => network(report, value).map(|(network, prefix_len)| Tracked::Route {
            network,
            prefix_len,
        }),
        Watch::Service => {
            let name = string(report, value);
            let min_healthy = block.default(report, "min_healthy", NonZeroU16::MIN, non_zero);
            Some(Tracked::Service {
                name: name?.to_owned(),
                min_healthy: min_healthy?.get(),
            })
        }
    }
}

fn script(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    value: Value<'_>,
    script_user: &str,
) -> Option<TrackedScript> {
    let command = command(report, value);
    let interval = block.default(report, "interval", INTERVAL, time(SHORTEST, LONGEST));
    let timeout = block.optional(report, "timeout", at(time(SHORTEST, LONGEST)));
    let rise = block.default(report, "rise", 1, integer(1, 255));
    let fall = block.default(report, "fall", 1, integer(1, 255));
    let user = block.default(report, "user", script_user.to_owned(), user);
    let interval = interval?;
    let timeout = match timeout? {
        None => interval,
        Some(timeout) if timeout.value > interval => {
            let interval = duration::show(interval);
            report
                .error(
                    &timeout.span,
                    format!("`timeout` is longer than `interval`, which is {interval}"),
                )
                .hint("a run must be over before the next one starts");
            return None;
        }
        Some(timeout) => timeout.value,
    };
    let Command { program, arguments } = command?;
    Some(TrackedScript {
        script: Script {
            program,
            arguments,
            user: user?,
            timeout,
        },
        interval,
        rise: rise?,
        fall: fall?,
    })
}

fn process(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = name(report, value)?;
    if text.contains('/') {
        let last = text.rsplit('/').next().unwrap_or_default();
        report
            .error(
                &value.span(),
                format!("`process` is a path, not a name: {text:?}"),
            )
            .hint(format!("write {last:?}, as `ps -o comm` shows it"));
        return None;
    }
    Some(text.to_owned())
}

fn non_zero(report: &mut Report<'_>, value: Value<'_>) -> Option<NonZeroU16> {
    NonZeroU16::new(integer(1, 65_535)(report, value)?)
}

fn weight(report: &mut Report<'_>, value: Value<'_>) -> Option<NonZeroI16> {
    let weight = NonZeroI16::new(integer(-WEIGHT, WEIGHT)(report, value)?);
    if weight.is_none() {
        report
            .error(
                &value.span(),
                "`weight` must not be 0, which changes nothing",
            )
            .hint("without `weight` the instance is in FAULT while the thing is not well");
    }
    weight
}

/// Whether a weight can have an effect.
fn weight_counts(
    report: &mut Report<'_>,
    weight: &At<NonZeroI16>,
    what: &Tracked,
    around: &Around<'_>,
) -> Option<()> {
    // RFC 9568 section 5.2.4: the owner's priority is 255.
    if around.priority == Some(NonZeroU8::MAX) {
        report
            .error(&weight.span, "`weight` does nothing with priority 255")
            .hint("use a lower priority, or remove it: the instance is then in FAULT instead");
        return None;
    }
    match (what, around.interface) {
        (Tracked::Interface(name), Some(own)) if name == own => {
            report
                .error(
                    &weight.span,
                    format!("`weight` does nothing: {own:?} is the instance's own interface"),
                )
                .hint("remove this table: an instance is in FAULT while its interface is down");
            None
        }
        _ => Some(()),
    }
}

/// Reports details of other things than the one that is watched.
fn stray_details(report: &mut Report<'_>, block: &mut Block<'_>, watch: Watch) {
    for (key, of) in DETAILS {
        if *of == watch {
            continue;
        }
        if let Some(value) = block.take(key) {
            let (of, watch) = (of.key(), watch.key());
            report
                .error(
                    &value.span(),
                    format!("`{key}` is for `{of}`, but this is about `{watch}`"),
                )
                .hint("remove it");
        }
    }
}

/// So that nobody calls them unknown.
fn known_details(block: &mut Block<'_>) {
    for (key, _) in DETAILS {
        block.take(key);
    }
}
