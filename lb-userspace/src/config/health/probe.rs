//! What every check can say, whichever its type is, and the types.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::block::{Block, Kind};
use crate::config::reader::{at, boolean, choice, integer, interface};
use crate::config::report::{At, Report};
use crate::config::{CheckKind, Origin, Probe, Protocol};

use super::value::address;
use super::via::{self, Facts, Wish};
use super::{http, local, query};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Tcp,
    Http,
    Https,
    Udp,
    Dns,
    Smtp,
    Ping,
    Grpc,
    Redis,
    Script,
    File,
    All,
    Any,
}

pub(super) const TYPES: &[(&str, Type)] = &[
    ("tcp", Type::Tcp),
    ("http", Type::Http),
    ("https", Type::Https),
    ("udp", Type::Udp),
    ("dns", Type::Dns),
    ("smtp", Type::Smtp),
    ("ping", Type::Ping),
    ("grpc", Type::Grpc),
    ("redis", Type::Redis),
    ("script", Type::Script),
    ("file", Type::File),
    ("all", Type::All),
    ("any", Type::Any),
];

impl Type {
    const fn needs_port(self) -> bool {
        match self {
            Self::Tcp
            | Self::Http
            | Self::Https
            | Self::Udp
            | Self::Dns
            | Self::Smtp
            | Self::Grpc
            | Self::Redis => true,
            // Those in it say for themselves.
            Self::All | Self::Any => false,
            Self::Ping | Self::Script | Self::File => false,
        }
    }
}

/// What a check has from what is around it.
#[derive(Clone)]
pub(super) struct Around<'g> {
    /// The service's; `None`: it is wrong.
    pub(super) address: Option<SocketAddr>,
    pub(super) protocol: Option<Protocol>,
    /// What the check around says of it.
    pub(super) via: Option<Wish>,
    /// `None`: nothing around says one, so that the check must.
    pub(super) port: Option<u16>,
    pub(super) connect_address: Option<IpAddr>,
    pub(super) origin: Origin,
    pub(super) script_user: &'g str,
    pub(super) timeout: Duration,
}

/// The rest of a check whose type was read. Does not finish the block.
pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    kind: Type,
    around: &Around<'_>,
) -> Option<Probe> {
    let port = block.optional(report, "port", integer(1, 65_535));
    let connect_address = block.optional(report, "connect_address", address);
    let connect_port = block.optional(report, "connect_port", integer(1, 65_535));
    let source = block.optional(report, "source", at(address));
    let interface = block.optional(report, "interface", interface);
    let mark = block.optional(report, "mark", integer(1, i64::from(u32::MAX)));
    let wish = via::wish(report, block);
    let connect_address = connect_address.map(|given| given.or(around.connect_address));
    let goes_to =
        connect_address.and_then(|to| to.or_else(|| around.address.map(|address| address.ip())));
    let source = source
        .zip(goes_to)
        .and_then(|(source, to)| same_family(report, source, to));
    let port = match port {
        Some(None) => around.port.map_or_else(
            || no_port(report, block, kind, around, connect_port.flatten()),
            Some,
        ),
        Some(port) => port,
        None => None,
    };
    let origin = || {
        Some(Origin {
            source: source?.or(around.origin.source),
            interface: interface?.or_else(|| around.origin.interface.clone()),
            mark: mark?.or(around.origin.mark),
        })
    };
    let origin = origin();
    let inner = Around {
        port: port.filter(|port| *port > 0),
        connect_address: connect_address.flatten(),
        origin: origin.clone().unwrap_or_default(),
        via: wish
            .as_ref()
            .and_then(Option::as_ref)
            .map(|wish| wish.value)
            .or(around.via),
        ..around.clone()
    };
    let kind = read_kind(report, block, kind, &inner);
    let (kind, port, origin) = (kind?, port?, origin?);
    let (connect_address, connect_port) = (connect_address?, connect_port?);
    let facts = Facts {
        address: around.address?,
        protocol: around.protocol,
        kind: &kind,
        port,
        elsewhere: connect_address.is_some(),
        other_port: connect_port.is_some(),
        origin: &origin,
    };
    let via = via::decide(report, wish?.as_ref(), around.via, &facts)?;
    Some(Probe {
        kind,
        port,
        connect_address,
        connect_port,
        origin,
        via,
    })
}

/// The port where none is said anywhere.
fn no_port(
    report: &mut Report<'_>,
    block: &Block<'_>,
    kind: Type,
    around: &Around<'_>,
    connect_port: Option<u16>,
) -> Option<u16> {
    if !kind.needs_port() || connect_port.is_some() {
        return Some(connect_port.unwrap_or(0));
    }
    // A wrong address has been reported.
    around.address?;
    report.absent(
        &block.span,
        "`port` is missing in `check`: the service takes all ports",
        "add `port = …`: the one to probe".to_owned(),
    );
    None
}

fn same_family(
    report: &mut Report<'_>,
    source: Option<At<IpAddr>>,
    to: IpAddr,
) -> Option<Option<IpAddr>> {
    let Some(source) = source else {
        return Some(None);
    };
    if source.value.is_ipv4() == to.is_ipv4() {
        return Some(Some(source.value));
    }
    let (from, to) = (family(source.value), family(to));
    report
        .error(
            &source.span,
            format!("`source` is {from}, but the check goes to {to} addresses"),
        )
        .hint(format!("write an {to} address of this host"));
    None
}

const fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

fn read_kind(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    kind: Type,
    around: &Around<'_>,
) -> Option<CheckKind> {
    match kind {
        Type::Tcp => {
            let reset = block.default(report, "reset", false, boolean);
            Some(CheckKind::Tcp { reset: reset? })
        }
        Type::Http => http::read(report, block, false).map(CheckKind::Http),
        Type::Https => http::read(report, block, true).map(CheckKind::Http),
        Type::Udp => query::udp(report, block).map(CheckKind::Udp),
        Type::Dns => query::dns(report, block).map(CheckKind::Dns),
        Type::Smtp => query::smtp(report, block).map(CheckKind::Smtp),
        Type::Ping => Some(CheckKind::Ping),
        Type::Grpc => query::grpc(report, block).map(CheckKind::Grpc),
        Type::Redis => query::redis(report, block).map(CheckKind::Redis),
        Type::Script => {
            local::script(report, block, around.script_user, around.timeout).map(CheckKind::Script)
        }
        Type::File => local::file(report, block).map(CheckKind::File),
        Type::All => parts(report, block, around).map(CheckKind::All),
        Type::Any => parts(report, block, around).map(CheckKind::Any),
    }
}

/// `checks` of an `all` or `any`: at least one.
fn parts(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    around: &Around<'_>,
) -> Option<Vec<Probe>> {
    let parts = block.blocks(report, "checks", Kind::Part);
    if parts.is_empty() {
        let hint = r#"add `checks = [{ type = "tcp" }, …]`"#.to_owned();
        report.absent(&block.span, "there are no `checks`", hint);
        return None;
    }
    let count = parts.len();
    let read = |mut part: Block<'_>| {
        let kind = part.required(report, "type", choice(TYPES))?;
        let probe = read(report, &mut part, kind, around);
        part.finish(report, Some(block));
        probe
    };
    let probes: Vec<Probe> = parts.into_iter().filter_map(read).collect();
    (probes.len() == count).then_some(probes)
}
