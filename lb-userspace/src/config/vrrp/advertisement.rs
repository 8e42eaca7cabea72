//! What the version of VRRP decides: `version` itself, `advert_interval` and `checksum`.

use std::time::Duration;

use crate::config::block::Block;
use crate::config::reader::{at, choice, integer, time};
use crate::config::report::{At, Report};
use crate::config::{ChecksumForm, Version, duration};

const SECOND: Duration = Duration::from_secs(1);
/// RFC 3768 section 5.3.7: one byte of seconds.
const LONGEST_V2: Duration = Duration::from_secs(255);
/// RFC 9568 section 5.2.7: twelve bits of centiseconds.
const CENTISECOND: Duration = Duration::from_millis(10);
const LONGEST_V3: Duration = Duration::from_millis(40_950);

const CHECKSUMS: &[(&str, ChecksumForm)] = &[
    ("rfc5798", ChecksumForm::Rfc5798),
    ("rfc9568", ChecksumForm::Rfc9568),
];

/// `ipv6` is `None` where the addresses are wrong.
pub(super) fn version(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    ipv6: Option<bool>,
) -> Option<Version> {
    let version = block.optional(report, "version", at(integer::<u8>(2, 3)));
    // A syntax error may hide the version, and much is right or wrong by the version alone.
    let version = match version {
        Some(None) if report.incomplete => return None,
        version => version?,
    };
    match version {
        Some(At { value: 2, span }) => {
            if ipv6 == Some(true) {
                report
                    .error(&span, "VRRP version 2 has no IPv6")
                    .hint("remove `version`: 3 does both families");
                return None;
            }
            Some(Version::V2)
        }
        Some(_) | None => Some(Version::V3),
    }
}

pub(super) fn interval(
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

pub(super) fn checksum(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    version: Option<Version>,
    ipv6: Option<bool>,
) -> Option<ChecksumForm> {
    let checksum = block.optional(report, "checksum", at(choice(CHECKSUMS)))?;
    let Some(At { value, span }) = checksum else {
        return Some(ChecksumForm::Rfc5798);
    };
    if value == ChecksumForm::Rfc5798 {
        return Some(value);
    }
    if version? == Version::V2 {
        report
            .error(&span, "`checksum` = \"rfc9568\" needs VRRP version 3")
            .hint("remove it: version 2 has one form of checksum");
        return None;
    }
    if ipv6 == Some(true) {
        report
            .error(&span, "`checksum` = \"rfc9568\" is for IPv4")
            .hint("remove it: IPv6 has one form of checksum");
        return None;
    }
    Some(value)
}
