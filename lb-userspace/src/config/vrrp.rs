//! `[[vrrp]]` with its `garp`.

use std::num::NonZeroU8;
use std::time::Duration;

use super::address::interface_address;
use super::block::{Block, Kind, Value};
use super::check::duplicates;
use super::reader::{at, boolean, choice, integer, interface, list, name, time};
use super::report::{At, Report};
use super::{ChecksumForm, Garp, Instance, InterfaceAddress, Preempt, Version, auth, duration};

const SECOND: Duration = Duration::from_secs(1);
/// RFC 3768 section 5.3.7: one byte of seconds.
const LONGEST_V2: Duration = Duration::from_secs(255);
/// RFC 9568 section 5.2.7: twelve bits of centiseconds.
const CENTISECOND: Duration = Duration::from_millis(10);
const LONGEST_V3: Duration = Duration::from_millis(40_950);
/// RFC 9568 section 5.2.5: the count is one byte.
const MOST_ADDRESSES: usize = 255;

const CHECKSUMS: &[(&str, ChecksumForm)] = &[
    ("rfc5798", ChecksumForm::Rfc5798),
    ("rfc9568", ChecksumForm::Rfc9568),
];

/// What could be read of an instance: enough for the references to it, even if it is wrong.
pub(super) struct Draft {
    pub(super) name: Option<At<String>>,
    /// Interface and VRID, at the VRID.
    pub(super) router: Option<At<(String, NonZeroU8)>>,
    pub(super) addresses: Vec<At<InterfaceAddress>>,
    /// No address is missing because it was wrong.
    pub(super) whole: bool,
    pub(super) instance: Option<Instance>,
}

pub(super) fn read(report: &mut Report<'_>, mut block: Block<'_>) -> Draft {
    let b = &mut block;
    let name = b.required(report, "name", at(name)).map(|name| At {
        value: name.value.to_owned(),
        span: name.span,
    });
    let interface = b.required(report, "interface", interface);
    let vrid = b.required(report, "virtual_router_id", at(non_zero));
    let version = b.optional(report, "version", |report, value| {
        let version: u8 = integer(2, 3)(report, value)?;
        Some(if version == 2 {
            Version::V2
        } else {
            Version::V3
        })
    });
    // A syntax error may hide the version, and much is right or wrong by the version alone.
    let version = match version {
        Some(None) if report.incomplete => None,
        version => version.map(|version| version.unwrap_or(Version::V3)),
    };
    let priority = b.default(report, "priority", DEFAULT_PRIORITY, non_zero);
    let advert_interval = advert_interval(report, b, version);
    let (addresses, whole) = addresses(report, b);
    let checksum = b.optional(report, "checksum", at(choice(CHECKSUMS)));
    let checksum = checksum.and_then(|checksum| fitting_checksum(report, version, checksum));
    let auth = auth::read(report, b, version);
    let preempt = b.default(report, "preempt", true, boolean);
    let garp = garp(report, b);
    block.finish(report, None);

    let router = interface
        .clone()
        .zip(vrid.clone())
        .map(|(interface, vrid)| At {
            value: (interface, vrid.value),
            span: vrid.span,
        });
    let build = || {
        Some(Instance {
            name: name.as_ref()?.value.clone(),
            interface: interface?,
            virtual_router_id: vrid?.value,
            version: version?,
            priority: priority?,
            advert_interval: advert_interval?,
            addresses: addresses.iter().map(|a| a.value).collect(),
            checksum: checksum?,
            auth: auth?,
            preempt: if preempt? {
                Preempt::Always
            } else {
                Preempt::Never
            },
            startup_delay: Duration::ZERO,
            accept: true,
            virtual_mac: None,
            unicast: None,
            garp: garp?,
            track: Vec::new(),
            notify: None,
        })
    };
    let instance = build();
    Draft {
        name,
        router,
        addresses,
        whole,
        instance,
    }
}

const DEFAULT_PRIORITY: NonZeroU8 = NonZeroU8::MIN.saturating_add(99);

fn non_zero(report: &mut Report<'_>, value: Value<'_>) -> Option<NonZeroU8> {
    NonZeroU8::new(integer(1, 255)(report, value)?)
}

fn advert_interval(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    version: Option<Version>,
) -> Option<Duration> {
    let any = time(Duration::ZERO, Duration::MAX);
    let interval = block.optional(report, "advert_interval", at(any))?;
    let Some(At { value, span }) = interval else {
        return Some(SECOND);
    };
    let text = duration::show(value);
    match version? {
        Version::V2 if value.subsec_nanos() != 0 => {
            report
                .error(
                    &span,
                    "`advert_interval` must be whole seconds in VRRP version 2",
                )
                .hint("use version = 3 on all routers for less than a second, or \"1s\"");
            None
        }
        Version::V2 if !(SECOND..=LONGEST_V2).contains(&value) => {
            report.error(
                &span,
                format!("`advert_interval` must be from 1s to 255s in VRRP version 2, not {text}"),
            );
            None
        }
        Version::V3 if !(CENTISECOND..=LONGEST_V3).contains(&value) => {
            report.error(
                &span,
                format!(
                    "`advert_interval` must be from 10ms to 40.95s in VRRP version 3, not {text}"
                ),
            );
            None
        }
        Version::V3 if value.as_nanos() % CENTISECOND.as_nanos() != 0 => {
            report
                .error(&span, "`advert_interval` must be a multiple of 10ms")
                .hint("VRRP version 3 counts in hundredths of a second");
            None
        }
        Version::V2 | Version::V3 => Some(value),
    }
}

fn addresses(report: &mut Report<'_>, block: &mut Block<'_>) -> (Vec<At<InterfaceAddress>>, bool) {
    let list = block.required(report, "addresses", at(list(interface_address)));
    let Some(At { value: list, span }) = list else {
        return (Vec::new(), false);
    };
    if list.whole && list.items.is_empty() {
        report
            .error(&span, "`addresses` is empty")
            .hint("write at least one virtual address, like \"192.0.2.10/24\"");
    }
    if list.items.len() > MOST_ADDRESSES {
        report
            .error(
                &span,
                format!("`addresses` has more than {MOST_ADDRESSES} addresses"),
            )
            .hint("put some of them into another instance");
    }
    duplicates(
        report,
        list.items.iter().map(|a| (a.value.address, &a.span)),
        |address| format!("`addresses` has {address} twice"),
    );
    (list.items, list.whole)
}

fn fitting_checksum(
    report: &mut Report<'_>,
    version: Option<Version>,
    checksum: Option<At<ChecksumForm>>,
) -> Option<ChecksumForm> {
    let Some(At { value, span }) = checksum else {
        return Some(ChecksumForm::Rfc5798);
    };
    if value == ChecksumForm::Rfc9568 && version? == Version::V2 {
        report
            .error(&span, "`checksum` = \"rfc9568\" needs VRRP version 3")
            .hint("remove it: version 2 has one form of checksum");
        return None;
    }
    Some(value)
}

fn garp(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Garp> {
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(86_400);
    let mut garp = block
        .block(report, "garp", Kind::Garp)
        .unwrap_or_else(|| Block::new(Kind::Garp, 0..0, None));
    let count = garp.default(report, "count", 5, integer(1, 255));
    let interval = garp.default(report, "interval", SECOND, time(CENTISECOND, MINUTE));
    let refresh = garp.default(report, "refresh", Some(MINUTE), |report, value| {
        if value.toml().as_str() == Some("off") {
            return Some(None);
        }
        time(SECOND, DAY)(report, value).map(Some)
    });
    garp.finish(report, Some(block));
    Some(Garp {
        count: count?,
        interval: interval?,
        refresh: refresh?,
        ..Garp::default()
    })
}
