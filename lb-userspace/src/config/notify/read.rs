//! `[[notify]]`.

use std::time::Duration;

use crate::config::block::{Block, Value};
use crate::config::duration;
use crate::config::reader::{at, choice, list, name, or_off, string, time};
use crate::config::report::{At, Report};

use super::means::{self, TYPES};
use super::{Pace, Rate, Target, Topic};

const GROUP: Duration = Duration::from_secs(10);
const LONGEST_GROUP: Duration = Duration::from_secs(3600);
const RATE: Rate = Rate {
    count: 20,
    per: Duration::from_secs(3600),
};
const MOST: u32 = 10_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What comparing targets with other blocks needs.
pub(in crate::config) struct Draft {
    pub(in crate::config) name: Option<At<String>>,
    pub(in crate::config) services: Vec<At<String>>,
    pub(in crate::config) instances: Vec<At<String>>,
    /// `None`: wrong, and reported.
    pub(in crate::config) target: Option<Target>,
}

pub(in crate::config) fn read(
    report: &mut Report<'_>,
    mut block: Block<'_>,
    around: &Around<'_>,
) -> Draft {
    let b = &mut block;
    let name = b.required(report, "name", at(owned_name));
    let kind = b.required(report, "type", choice(TYPES));
    let topics = b.default(report, "events", Topic::DEFAULT.to_vec(), topics);
    let services = b.optional(report, "services", names);
    let instances = b.optional(report, "instances", names);
    let group = b.default(report, "group", GROUP, time(Duration::ZERO, LONGEST_GROUP));
    let rate = b.default(report, "rate", Some(RATE), or_off(rate));
    let means = kind.and_then(|kind| means::read(report, b, kind, around));
    if kind.is_some() {
        // Otherwise it is not known which keys it has.
        block.finish(report, None);
    }
    let values = |list: &Option<Vec<At<String>>>| {
        let list = list.as_ref()?;
        Some(list.iter().map(|one| one.value.clone()).collect())
    };
    let target = || {
        Some(Target {
            name: name.as_ref()?.value.clone(),
            means: means?,
            topics: topics?,
            services: values(services.as_ref()?),
            instances: values(instances.as_ref()?),
            pace: Pace {
                group: group?,
                rate: rate?,
            },
        })
    };
    let target = target();
    Draft {
        name,
        services: services.flatten().unwrap_or_default(),
        instances: instances.flatten().unwrap_or_default(),
        target,
    }
}

/// What the readers of targets have to know.
pub(in crate::config) struct Around<'a> {
    pub(in crate::config) router_id: &'a str,
    pub(in crate::config) script_user: &'a str,
}

fn owned_name(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    name(report, value).map(str::to_owned)
}

fn topics(report: &mut Report<'_>, value: Value<'_>) -> Option<Vec<Topic>> {
    let topics = list(choice(Topic::NAMES))(report, value)?;
    if topics.items.is_empty() && topics.whole {
        report
            .error(&value.span(), "`events` is empty: it would never be told")
            .hint("write what it shall be told of, or remove the block");
        return None;
    }
    let items = topics.items.into_iter();
    topics.whole.then(|| items.map(|item| item.value).collect())
}

fn names(report: &mut Report<'_>, value: Value<'_>) -> Option<Vec<At<String>>> {
    let list = list(owned_name)(report, value)?;
    list.whole.then_some(list.items)
}

/// `"20/h"`, `"5/10m"`.
fn rate(report: &mut Report<'_>, value: Value<'_>) -> Option<Rate> {
    let text = string(report, value)?;
    let read = || {
        let (count, per) = text.split_once('/')?;
        let count = count.trim().parse().ok()?;
        let per = per.trim();
        let per = duration::parse(per).or_else(|_| duration::parse(&format!("1{per}")));
        let per = per.ok().filter(|per| !per.is_zero() && *per <= DAY)?;
        (1..=MOST).contains(&count).then_some(Rate { count, per })
    };
    let rate = read();
    if rate.is_none() {
        let subject = value.subject();
        report
            .error(&value.span(), format!("{subject} is not a rate: {text:?}"))
            .hint(format!(
                r#"write 1 to {MOST} messages in a time of at most a day, like "20/h" or "5/10m", or "off""#
            ));
    }
    rate
}
