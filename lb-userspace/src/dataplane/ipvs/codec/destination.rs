//! Destinations in messages. PURE.

use std::net::IpAddr;

use super::service::{address_bytes, read_address};
use super::statistics::{self, Traffic};
use super::{AF_INET, AF_INET6, DEST, DecodeError, Writer, find};
use crate::dataplane::ipvs::frame::Message;
use crate::dataplane::ipvs::state::{Settings, Target};

/// `IPVS_DEST_ATTR_*`
const ADDR: u16 = 1;
const PORT: u16 = 2;
const FWD_METHOD: u16 = 3;
const WEIGHT: u16 = 4;
const U_THRESH: u16 = 5;
const L_THRESH: u16 = 6;
const ACTIVE_CONNS: u16 = 7;
const INACT_CONNS: u16 = 8;
const PERSIST_CONNS: u16 = 9;
const ADDR_FAMILY: u16 = 11;
const STATS64: u16 = 12;

/// A destination in the kernel's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dataplane::ipvs) struct DestinationEntry {
    pub(in crate::dataplane::ipvs) target: Target,
    pub(in crate::dataplane::ipvs) settings: Settings,
    pub(in crate::dataplane::ipvs) traffic: Traffic,
    /// Established connections.
    pub(in crate::dataplane::ipvs) active: u32,
    /// Connections in any other state.
    pub(in crate::dataplane::ipvs) inactive: u32,
    /// Clients that are held to it.
    pub(in crate::dataplane::ipvs) persistent: u32,
}

/// Its name and, where given, its settings.
pub(super) fn write(out: &mut Writer, target: &Target, settings: Option<&Settings>) {
    let family = match target.address {
        IpAddr::V4(_) => AF_INET,
        IpAddr::V6(_) => AF_INET6,
    };
    out.bytes(ADDR, &address_bytes(target.address))
        .be16(PORT, target.port)
        .u16(ADDR_FAMILY, family);
    let Some(settings) = settings else {
        return;
    };
    out.u32(FWD_METHOD, settings.method)
        .u32(WEIGHT, settings.weight)
        .u32(U_THRESH, settings.upper_threshold)
        .u32(L_THRESH, settings.lower_threshold);
}

/// The destination in a reply about a service that is IPv6 or not: kernels before 3.18 did not
/// say a destination's own family.
pub(in crate::dataplane::ipvs) fn read_destination(
    message: &Message,
    v6: bool,
) -> Result<DestinationEntry, DecodeError> {
    const FORWARDING: u32 = 7;
    let missing = |what| DecodeError::Missing { what };
    let mut family = if v6 { AF_INET6 } else { AF_INET };
    let (mut address, mut port, mut method, mut weight) = (None, None, None, None);
    let (mut upper_threshold, mut lower_threshold) = (0, 0);
    let (mut active, mut inactive, mut persistent) = (0, 0, 0);
    let mut traffic = Traffic::default();
    let destination = find(&message.attributes, DEST, "destination")?;
    for attribute in destination.nested() {
        let attribute = attribute?;
        match attribute.kind {
            ADDR => address = Some(attribute),
            PORT => port = Some(attribute.be16()?),
            FWD_METHOD => method = Some(attribute.u32()? & FORWARDING),
            WEIGHT => weight = Some(attribute.u32()?),
            U_THRESH => upper_threshold = attribute.u32()?,
            L_THRESH => lower_threshold = attribute.u32()?,
            ACTIVE_CONNS => active = attribute.u32()?,
            INACT_CONNS => inactive = attribute.u32()?,
            PERSIST_CONNS => persistent = attribute.u32()?,
            ADDR_FAMILY => family = attribute.u16()?,
            STATS64 => traffic = statistics::read(&attribute)?,
            _ => {}
        }
    }
    let address = address.ok_or(missing("destination address"))?;
    Ok(DestinationEntry {
        target: Target {
            address: read_address(&address, family)?,
            port: port.ok_or(missing("destination port"))?,
        },
        settings: Settings {
            method: method.ok_or(missing("forwarding method"))?,
            weight: weight.ok_or(missing("weight"))?,
            upper_threshold,
            lower_threshold,
        },
        traffic,
        active,
        inactive,
        persistent,
    })
}

/// What [`read_destination`] reads, for the tests.
#[cfg(test)]
pub(super) fn entry_message(entry: &DestinationEntry) -> Message {
    super::message(super::NEW_DEST, |out| {
        out.nested(DEST, |out| {
            write(out, &entry.target, Some(&entry.settings));
            out.u32(ACTIVE_CONNS, entry.active)
                .u32(INACT_CONNS, entry.inactive)
                .u32(PERSIST_CONNS, entry.persistent)
                .nested(STATS64, |out| statistics::write(out, entry.traffic));
        });
    })
}
