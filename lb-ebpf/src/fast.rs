//! The path of nearly all packets: plain TCP and UDP to a service whose Maglev table alone
//! decides.

use core::num::NonZeroU32;

use aya_ebpf::programs::XdpContext;
use lb_common::hash::word_of;
use lb_common::index::IndexKey;
use lb_common::layout::{RealServer, Service};
use lb_common::maglev::slot;
use lb_common::reason::Reason;
use lb_ebpf::frame::Frame;
use lb_ebpf::parse::{
    IPV4, IPV6, Packet, ethertype, plain_ipv4, plain_ipv6, rest_of_ipv4, rest_of_ipv6,
};

use crate::maps::{PROGRAM_LOG, REAL_SERVERS, TABLE_SIZE, TABLES, TRACE};
use crate::{Verdict, count, egress, opened, service};

/// `None`: there is something special about it. Nothing was counted or changed then.
#[inline(always)]
pub(crate) fn forward(context: &XdpContext) -> Option<Verdict> {
    // What is watched goes the way on which it is shown.
    if TRACE.load() | PROGRAM_LOG.load() != 0 {
        return None;
    }
    // SAFETY: the kernel keeps data..data_end valid while the program runs.
    let frame = unsafe { Frame::new(context.data(), context.data_end()) };
    // Each with a copy of the path of its own, in which its addresses' form is a constant.
    match ethertype(&frame)? {
        IPV4 => settle(context, &frame, &plain_ipv4(&frame)?, rest_of_ipv4),
        IPV6 => settle(context, &frame, &plain_ipv6(&frame)?, rest_of_ipv6),
        _ => None,
    }
}

/// Reads what the lookup of its service did not need.
type Rest = fn(&Frame<'_>, &IndexKey) -> Option<Packet>;

#[inline(always)]
fn settle(context: &XdpContext, frame: &Frame<'_>, key: &IndexKey, rest: Rest) -> Option<Verdict> {
    match decide(context, frame, key, rest) {
        Ok(verdict) => verdict,
        Err(reason) => Some(Verdict::Pass(reason)),
    }
}

#[inline(always)]
fn decide(
    context: &XdpContext,
    frame: &Frame<'_>,
    key: &IndexKey,
    rest: Rest,
) -> Result<Option<Verdict>, Reason> {
    let service = service::find(key)?;
    if service.flags != Service::ACTIVE {
        return if service.flags & Service::ACTIVE == 0 {
            Err(Reason::Inactive)
        } else {
            Ok(None)
        };
    }
    let packet = match rest(frame, key) {
        Some(packet) if !packet.is_cut_off(frame.length()) => packet,
        Some(_) | None => return Ok(None),
    };
    // A granularity comes with persistence, which is special.
    let size = NonZeroU32::new(TABLE_SIZE.load()).ok_or(Reason::NoRealServer)?;
    let index = slot(word_of(packet.client, 0), size);
    let slot = TABLES
        .get_value(service.table, &index)
        .ok_or(Reason::NoRealServer)?;
    if slot.flags() != 0 {
        return Ok(None);
    }
    let server: &RealServer = match slot.current() {
        0 => return Err(Reason::NoRealServer),
        index => REAL_SERVERS.get(index).ok_or(Reason::NoRealServer)?,
    };
    if u32::from(server.flags) | u32::from(server.vlan) != 0 {
        return Ok(None);
    }
    let egress = egress::find(context, frame, server)?;
    let verdict = egress.rewrite(server);
    count::forwarded(server, &packet);
    opened::sample(server, &packet);
    Ok(Some(verdict))
}
