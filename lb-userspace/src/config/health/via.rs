//! `via` of a check: which address of a server it asks for.

use std::net::SocketAddr;

use crate::config::block::{Block, Kind};
use crate::config::reader::{at, choice};
use crate::config::report::{At, Report};
use crate::config::{CheckKind, Origin, Protocol, Via};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Server,
    Vip,
    Both,
}

const WISHES: &[(&str, Wish)] = &[
    ("server", Wish::Server),
    ("vip", Wish::Vip),
    ("both", Wish::Both),
];

/// `path = "dr"` says the same as `via = "vip"`: the path of a URL begins with a slash.
pub(super) const DIRECT_ROUTING: &str = "dr";

/// What the check itself says.
pub(super) fn wish(report: &mut Report<'_>, block: &mut Block<'_>) -> Option<Option<At<Wish>>> {
    let via = block.optional(report, "via", at(choice(WISHES)));
    let says_dr =
        |path: &crate::config::block::Value<'_>| path.toml().as_str() == Some(DIRECT_ROUTING);
    let Some(path) = block.peek("path").filter(says_dr) else {
        return via;
    };
    // Else it is none of the keys of a type that has no path.
    block.take("path");
    match via? {
        Some(via) if via.value != Wish::Vip => {
            report
                .error(
                    &path.span(),
                    "`path = \"dr\"` is the same as `via = \"vip\"`, but `via` says otherwise",
                )
                .hint("remove `path`");
            None
        }
        Some(_) | None => Some(Some(At {
            value: Wish::Vip,
            span: path.span(),
        })),
    }
}

/// What there is to know of a probe.
pub(super) struct Facts<'f> {
    /// The service's.
    pub(super) address: SocketAddr,
    /// `None`: wrong, and reported.
    pub(super) protocol: Option<Protocol>,
    pub(super) kind: &'f CheckKind,
    pub(super) port: u16,
    /// It has a `connect_address`.
    pub(super) elsewhere: bool,
    /// It has a `connect_port`.
    pub(super) other_port: bool,
    pub(super) origin: &'f Origin,
}

impl Facts<'_> {
    /// Why it cannot ask for the virtual address, and what to do.
    fn obstacle(&self) -> Option<(String, &'static str)> {
        let kind = self.kind.name();
        if let CheckKind::All(_) | CheckKind::Any(_) = self.kind {
            return None;
        }
        if self.kind.transport().is_none() {
            let why = format!("a check of type {kind:?} cannot ask for the virtual address");
            let hint = "remove it, or take a type that goes to a port, like \"tcp\" or \"http\"";
            return Some((why, hint));
        }
        let why = "the virtual address is asked for at the real server, but `connect_address` \
                   leads elsewhere";
        let hint = "remove one of them";
        self.elsewhere.then(|| (why.to_owned(), hint))
    }

    /// Whether it goes where clients go, by the way that they go.
    fn is_as_clients(&self) -> bool {
        let service = self.address.port();
        let port = service == 0 || service == self.port;
        let by_the_routes = self.origin.interface.is_none() && self.origin.mark.is_none();
        let protocol = self.protocol.is_some() && self.kind.transport() == self.protocol;
        port && protocol && by_the_routes && !self.other_port
    }
}

/// `inherited` is what the check around it says, which counts where it can.
pub(super) fn decide(
    report: &mut Report<'_>,
    own: Option<&At<Wish>>,
    inherited: Option<Wish>,
    facts: &Facts<'_>,
) -> Option<Via> {
    let obstacle = facts.obstacle();
    if let (Some(own), Some((why, hint))) = (own, &obstacle)
        && own.value != Wish::Server
    {
        report.error(&own.span, why.clone()).hint(*hint);
        return None;
    }
    if obstacle.is_some() || facts.kind.transport().is_none() {
        return Some(Via::Server);
    }
    let vip = facts.address.ip();
    Some(match own.map(|own| own.value).or(inherited) {
        Some(Wish::Server) => Via::Server,
        Some(Wish::Vip) => Via::Vip(vip),
        Some(Wish::Both) => Via::Both(vip),
        None if facts.is_as_clients() => Via::Both(vip),
        None => Via::Server,
    })
}

/// Whether a `path` of this block may be `"dr"`, which is no path.
pub(super) fn may_be_dr(kind: Kind) -> bool {
    kind == Kind::Check || kind == Kind::Part
}
