//! `[[service.real_server]]`.

use std::net::SocketAddr;

use super::address::server_address;
use super::block::Block;
use super::fits::fits_service;
use super::reader::{at, integer};
use super::report::{At, Report};
use super::{Global, Protocol, RealServer, Scheduler, health, policy};

/// What a service's block says that its real servers' depend on.
pub(super) struct Inherited<'s> {
    pub(super) vip: Option<&'s At<SocketAddr>>,
    pub(super) protocol: Option<Protocol>,
    pub(super) global: Option<&'s Global>,
    pub(super) manner: &'s policy::Said,
    pub(super) scheduler: Option<Scheduler>,
    /// Or one that is wrong.
    pub(super) has_check: bool,
}

impl Inherited<'_> {
    /// Without anything of the servers.
    pub(super) const fn around(&self) -> policy::Around {
        policy::Around {
            scheduler: self.scheduler,
            has_check: self.has_check,
            servers: Vec::new(),
            certain: false,
        }
    }
}

/// `None`: wrong, and reported.
pub(super) fn read(
    report: &mut Report<'_>,
    mut block: Block<'_>,
    service: &Block<'_>,
    inherited: &Inherited<'_>,
) -> Option<At<RealServer>> {
    let vip = inherited.vip;
    let address = block.required(report, "address", at(server_address));
    let weight = block.default(report, "weight", 1, integer(0, 65_535));
    let said = policy::Said::read(report, &mut block);
    let place = vip.map(|vip| vip.value);
    let (protocol, global) = (inherited.protocol, inherited.global);
    let check = health::read(report, &mut block, place, protocol, global);
    let mut around = inherited.around();
    around.has_check |= check.as_ref().is_none_or(Option::is_some);
    said.fits(report, &around);
    block.finish(report, Some(service));
    let At {
        value: (address, port),
        span,
    } = address?;
    if let Some(vip) = vip {
        fits_service(report, &span, address, port, vip.value)?;
    }
    Some(At {
        value: RealServer {
            address,
            weight: weight?,
            manner: said.manner(inherited.manner)?,
            check: check?,
        },
        span,
    })
}
