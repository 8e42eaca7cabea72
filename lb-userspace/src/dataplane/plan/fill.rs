//! Which server gets which slot of a service's table. PURE.

use std::cmp::Reverse;

use lb_common::layout::MAX_LEAST;
use lb_common::maglev::TableSize;

use super::super::maglev::{self, Member};
use super::super::table::Method;
use super::super::{sequence, sh};

/// The ids in a table's slots, as many as the service uses; 0 = nobody. What `members` say is
/// beside their ids.
pub(super) fn fill(method: Method, mut members: Vec<(u32, Member)>, size: TableSize) -> Vec<u32> {
    members.sort_by_key(|(_, member)| Reverse(member.place()));
    let (ids, members): (Vec<u32>, Vec<Member>) = members.into_iter().unzip();
    let weights: Vec<u16> = members.iter().map(|member| member.weight).collect();
    let room = size.slots().get() as usize;
    let each = |slots: Vec<usize>| slots.into_iter().map(Some).collect();
    let slots: Vec<Option<usize>> = match method {
        Method::Mh { .. } => maglev::fill(&members, size),
        Method::Sh { .. } => sh::fill(&weights),
        Method::Rr => each(sequence::equal(&weights, room)),
        Method::Wrr => each(sequence::weighted(&weights, room)),
        Method::Lc | Method::Wlc => each(sequence::equal(&weights, room.min(MAX_LEAST as usize))),
    };
    let id = |slot: Option<usize>| slot.map_or(0, |index| ids[index]);
    slots.into_iter().map(id).collect()
}
