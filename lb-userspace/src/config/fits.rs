//! Whether a service, its real servers and the data plane go together.

use std::net::{IpAddr, SocketAddr};

use super::block::Block;
use super::report::{At, Report, Span};
use super::{Global, PlaneChoice, Scheduler};

/// Whether what serves the service can choose among so many real servers.
pub(super) fn fits_plane(
    report: &mut Report<'_>,
    servers: &[Block<'_>],
    scheduler: Scheduler,
    global: &Global,
) {
    let slots = global.table_size.slots().get();
    let in_table = match scheduler {
        Scheduler::Mh => true,
        // IPVS has no table for them.
        Scheduler::Rr | Scheduler::Wrr | Scheduler::Lc | Scheduler::Wlc => {
            global.dataplane != PlaneChoice::Ipvs
        }
        // Its table has 256 slots, here as in the kernel: the last servers get no clients.
        Scheduler::Sh => false,
    };
    let room = usize::try_from(slots).ok().filter(|_| in_table);
    if let Some(block) = room.and_then(|room| servers.get(room)) {
        report
            .error(
                &block.span,
                format!("more real servers than the {slots} slots of the service's table"),
            )
            .hint("set a larger `table_size` in [global], on both directors");
    }
    let plane = match global.dataplane {
        PlaneChoice::Auto | PlaneChoice::Ipvs => return,
        xdp @ (PlaneChoice::Xdp | PlaneChoice::XdpNative | PlaneChoice::XdpGeneric) => xdp.name(),
    };
    if let Some(limit) = scheduler.program_limit()
        && let Some(block) = servers.get(limit)
    {
        let scheduler = scheduler.name();
        report
            .error(
                &block.span,
                format!(
                    "more than {limit} real servers with scheduler {scheduler:?} need IPVS, but \
                     `dataplane` is {plane:?}"
                ),
            )
            .hint("write `dataplane = \"auto\"` in [global], or use another scheduler");
    }
}

/// The kernel's IPVS does not schedule a service on all ports that has no persistence.
pub(super) fn fits_ipvs(report: &mut Report<'_>, address: &At<SocketAddr>, plane: PlaneChoice) {
    if address.value.port() == 0 && plane == PlaneChoice::Ipvs {
        report
            .error(
                &address.span,
                "IPVS serves all ports of an address only with persistence",
            )
            .hint(
                "add `persistence = { timeout = … }`, or write `dataplane = \"auto\"` in [global]",
            );
    }
}

pub(super) fn fits_service(
    report: &mut Report<'_>,
    span: &Span,
    address: IpAddr,
    port: Option<u16>,
    vip: SocketAddr,
) -> Option<()> {
    let mut fault = |message: String, hint: &str| {
        report.error(span, message).hint(hint);
        None
    };
    if address.is_ipv6() != vip.is_ipv6() {
        let family = |ipv6| if ipv6 { "IPv6" } else { "IPv4" };
        let (here, there) = (family(address.is_ipv6()), family(vip.is_ipv6()));
        return fault(
            format!("real server {address} is {here}, but the service's address is {there}"),
            "direct routing cannot translate between address families",
        );
    }
    if address == vip.ip() {
        return fault(
            format!("real server {address} is the service's own address"),
            "write the address that the server has besides the virtual one",
        );
    }
    match port {
        Some(port) if vip.port() == 0 => fault(
            format!("real server {address} has port {port}, but the service takes all ports"),
            "leave the port out: a packet keeps its own",
        ),
        Some(port) if port != vip.port() => fault(
            format!("port {port} is not the service's port {}", vip.port()),
            "direct routing cannot translate ports: run the server on the service's port",
        ),
        Some(_) | None => Some(()),
    }
}
