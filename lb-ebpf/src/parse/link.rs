//! Ethernet with up to two VLAN tags (IEEE 802.1Q, 802.1ad).

use lb_common::reason::Reason;

use super::{ETHERNET, ETHERTYPE};
use crate::frame::Frame;

const C_TAG: u16 = 0x8100;
const S_TAG: u16 = 0x88a8;
/// QinQ before 802.1ad.
const OLD_S_TAG: u16 = 0x9100;
pub(crate) const TAG: usize = 4;

pub(super) struct Link<'a> {
    pub(super) ethertype: u16,
    /// Length of the header.
    pub(super) header: usize,
    /// What follows it.
    pub(super) network: Frame<'a>,
    pub(super) tags: u32,
}

#[inline(always)]
fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, C_TAG | S_TAG | OLD_S_TAG)
}

#[inline(always)]
pub(super) fn parse<'a>(frame: &Frame<'a>) -> Result<Link<'a>, Reason> {
    let ethertype = |offset: usize| {
        frame
            .read::<u16>(offset)
            .map(u16::from_be)
            .ok_or(Reason::NotIp)
    };
    let outer = ethertype(ETHERTYPE)?;
    let (ethertype, tags) = if !is_tag(outer) {
        (outer, 0)
    } else {
        let inner = ethertype(ETHERTYPE + TAG)?;
        if !is_tag(inner) {
            (inner, 1)
        } else {
            (ethertype(ETHERTYPE + 2 * TAG)?, 2)
        }
    };
    let header = ETHERNET + tags * TAG;
    Ok(Link {
        ethertype,
        header,
        network: frame.after(header),
        tags: tags as u32,
    })
}
