//! Checks that ask a question of a protocol of its own: `udp`, `dns`, `smtp`, `grpc`, `redis`.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};

use crate::config::block::{Block, Kind, Value};
use crate::config::reader::{at, boolean, choice, integer, string};
use crate::config::report::{At, Report};
use crate::config::timing::seconds;
use crate::config::{Dns, Grpc, Redis, ReplyWanted, Role, Smtp, Udp};

use super::tls;
use super::value::{bytes, hex, line, some_text};

/// Of a datagram.
const LONGEST: i64 = 65_507;

const RCODES: &[(&str, ResponseCode)] = &[
    ("NOERROR", ResponseCode::NoError),
    ("NXDOMAIN", ResponseCode::NXDomain),
    ("REFUSED", ResponseCode::Refused),
    ("NOTAUTH", ResponseCode::NotAuth),
    ("SERVFAIL", ResponseCode::ServFail),
    ("FORMERR", ResponseCode::FormErr),
    ("NOTIMP", ResponseCode::NotImp),
];

const RECORDS: &[(&str, RecordType)] = &[
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("SOA", RecordType::SOA),
    ("NS", RecordType::NS),
    ("MX", RecordType::MX),
    ("TXT", RecordType::TXT),
    ("CNAME", RecordType::CNAME),
    ("PTR", RecordType::PTR),
    ("SRV", RecordType::SRV),
    ("CAA", RecordType::CAA),
    ("ANY", RecordType::ANY),
];

const ROLES: &[(&str, Role)] = &[("master", Role::Master), ("replica", Role::Replica)];

pub(super) fn udp(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<Udp>> {
    let text = block.optional(report, "send", string);
    let hex = block.optional(report, "send_hex", at(bytes));
    let expect = expect(report, block);
    let payload = match (text?, hex?) {
        (Some(_), Some(hex)) => {
            report
                .error(
                    &hex.span,
                    "`send_hex` says what to send, and `send` does, too",
                )
                .hint("remove one of them");
            return None;
        }
        (Some(text), None) => text.as_bytes().to_vec(),
        (None, hex) => hex.map(|hex| hex.value).unwrap_or_default(),
    };
    Some(Box::new(Udp {
        payload,
        expect: expect?,
    }))
}

/// `Some(None)`: absent; `None`: wrong, and reported.
fn expect(report: &mut Report<'_>, outer: &mut Block<'_>) -> Option<Option<ReplyWanted>> {
    let value = outer.take("expect");
    let Some(value) = value else {
        return Some(None);
    };
    let Some(table) = value.toml().as_table() else {
        value
            .wrong_type(report, "a table")
            .hint(r#"write it like { hex = "80XX", min_length = 4 }; {} is any answer"#);
        return None;
    };
    let mut block = Block::new(Kind::Expect, value.span(), Some(table));
    let hex = block.optional(report, "hex", hex);
    let contains = block.optional(report, "contains", some_text);
    let min = block.default(report, "min_length", 0, integer(0, LONGEST));
    let longest = usize::try_from(LONGEST).unwrap_or(usize::MAX);
    let max = block.default(report, "max_length", longest, integer(0, LONGEST));
    block.finish(report, Some(outer));
    let (min_length, max_length) = (min?, max?);
    if min_length > max_length {
        report
            .error(&value.span(), "`min_length` is above `max_length`")
            .hint("no answer can be both: swap them");
        return None;
    }
    Some(Some(ReplyWanted {
        hex: hex?,
        contains: contains?,
        min_length,
        max_length,
    }))
}

pub(super) fn dns(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<Dns>> {
    let name = block.default(report, "name", Name::root(), domain);
    let record = block.default(report, "record", RecordType::SOA, choice(RECORDS));
    let rcode = block.default(report, "rcode", ResponseCode::NoError, choice(RCODES));
    let answer = block.optional(report, "answer", some_text);
    let tcp = block.default(report, "tcp", false, boolean);
    Some(Box::new(Dns {
        name: name?,
        record: record?,
        rcode: rcode?,
        answer: answer?,
        tcp: tcp?,
    }))
}

fn domain(report: &mut Report<'_>, value: Value<'_>) -> Option<Name> {
    let text = string(report, value)?;
    let Ok(mut name) = Name::from_ascii(text) else {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not a domain name: {text:?}"),
            )
            .hint(r#"write it like "www.example.com"; the root is ".""#);
        return None;
    };
    name.set_fqdn(true);
    Some(name)
}

pub(super) fn smtp(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<Smtp>> {
    let helo = block.default(report, "helo", "localhost".to_owned(), helo);
    let tls = tls::read_if(report, block, "starttls");
    Some(Box::new(Smtp {
        helo: helo?,
        tls: tls?,
    }))
}

/// A domain, or an address in brackets (RFC 5321, 4.1.1.1).
fn helo(report: &mut Report<'_>, value: Value<'_>) -> Option<String> {
    let text = string(report, value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    if text.is_empty() || text.len() > 255 || !text.chars().all(fits) {
        let subject = value.subject();
        report
            .error(
                &value.span(),
                format!("{subject} is not the name of a host: {text:?}"),
            )
            .hint(r#"write this director's name, like "lb1.example.com""#);
        return None;
    }
    Some(text.to_owned())
}

pub(super) fn grpc(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<Grpc>> {
    let service = block.default(report, "service", "", line);
    let tls = tls::read_if(report, block, "tls");
    Some(Box::new(Grpc {
        service: service?.to_owned(),
        tls: tls?,
    }))
}

pub(super) fn redis(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Box<Redis>> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let user = block.optional(report, "user", at(some_text));
    let password = block.optional(report, "password", some_text);
    let role = block.optional(report, "role", choice(ROLES));
    let max_lag = block.optional(report, "max_lag", at(seconds(DAY)));
    let (user, password, role, max_lag) = (user?, password?, role?, max_lag?);
    if let (Some(At { span, .. }), None) = (&user, &password) {
        report
            .error(span, "`user` without `password`")
            .hint("add `password = …`");
        return None;
    }
    if let (Some(At { span, .. }), Some(Role::Master)) = (&max_lag, role) {
        report
            .error(span, "`max_lag` is for replicas, but `role` is \"master\"")
            .hint("remove one of them");
        return None;
    }
    Some(Box::new(Redis {
        user: user.map(|user| user.value),
        password,
        role,
        max_lag: max_lag.map(|lag| lag.value),
    }))
}
