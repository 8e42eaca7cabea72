//! 64-bit statistics in messages. PURE.

use super::{Attribute, DecodeError};

/// `IPVS_STATS_ATTR_*`; with direct routing the answers go past the director, so there is
/// nothing outgoing to count.
const CONNS: u16 = 1;
const INPKTS: u16 = 2;
const INBYTES: u16 = 4;

/// What came in since the service or destination was made, or zeroed. The kernel sums it up
/// every two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::dataplane::ipvs) struct Traffic {
    /// Scheduled connections.
    pub(in crate::dataplane::ipvs) connections: u64,
    pub(in crate::dataplane::ipvs) packets: u64,
    pub(in crate::dataplane::ipvs) bytes: u64,
}

pub(super) fn read(statistics: &Attribute<'_>) -> Result<Traffic, DecodeError> {
    let mut traffic = Traffic::default();
    for attribute in statistics.nested() {
        let attribute = attribute?;
        match attribute.kind {
            CONNS => traffic.connections = attribute.u64()?,
            INPKTS => traffic.packets = attribute.u64()?,
            INBYTES => traffic.bytes = attribute.u64()?,
            _ => {}
        }
    }
    Ok(traffic)
}

#[cfg(test)]
pub(super) fn write(out: &mut super::Writer, traffic: Traffic) {
    out.bytes(CONNS, &traffic.connections.to_ne_bytes())
        .bytes(INPKTS, &traffic.packets.to_ne_bytes())
        .bytes(INBYTES, &traffic.bytes.to_ne_bytes());
}
