//! The schedulers that give out connections one by one, and the load they go by.

use lb_common::atomic;
use lb_common::layout::{Load, MAX_LEAST, Service};
use lb_common::record::State;

use crate::maps::{CURSORS, LOADS, TABLES};
use crate::records::{Written, entry};

/// Where the real server of a new connection is in `real_servers`; 0 = there is none.
#[inline(always)]
pub(crate) fn next(service: &Service) -> u32 {
    if service.flags & Service::LEAST != 0 {
        least_loaded(service.table, service.length)
    } else {
        in_turn(service).unwrap_or(0)
    }
}

/// `rr` and `wrr`: the table is the sequence.
#[inline(always)]
fn in_turn(service: &Service) -> Option<u32> {
    let cursor = CURSORS.get_ptr_mut(service.table)?;
    // SAFETY: map values are aligned, and everybody changes this one by atomic operations.
    let turn = unsafe { atomic::add(cursor, 1) };
    let index = turn.checked_rem(service.length)?;
    Some(TABLES.get_value(service.table, &index)?.current())
}

/// `lc` and `wlc`: the table lists the servers. As ip_vs_wlc, overheads are compared by weight,
/// without division. 0 = none.
///
/// The verifier looks at an exported function once, by itself, and not again at every way that
/// leads to it: the loop alone is some ten thousand instructions for it.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn least_loaded(table: u32, length: u32) -> u32 {
    let mut least = 0;
    // Overhead × 65536 + weight: in one word for the room on the stack.
    let mut least_rank = 0;
    for index in 0..MAX_LEAST {
        if index >= length {
            break;
        }
        let Some(slot) = TABLES.get_value(table, &index) else {
            break;
        };
        let current = slot.current();
        let Some(server) = entry(current) else {
            continue;
        };
        let weight = u64::from(server.weight);
        let overhead = LOADS.get(server.id).map_or(0, |load| load.overhead());
        if least == 0 || overhead * (least_rank & 0xffff) < (least_rank >> 16) * weight {
            (least, least_rank) = (current, overhead << 16 | weight);
        }
    }
    least
}

/// Keeps the loads up to date until the daemon counts all connections again.
#[inline(always)]
pub(crate) fn account(written: &Written) {
    let (server, before, after) = match written {
        Written::Nothing => return,
        Written::Stored { record } => (record.server(), None, record.state()),
        Written::Touched { before, after } => (after.server(), Some(before.state()), after.state()),
    };
    let active = |state| matches!(state, State::Established);
    if before.is_some_and(|before| active(before) == active(after)) {
        return;
    }
    let Some(load) = LOADS.get_ptr_mut(server) else {
        return;
    };
    if let Some(before) = before {
        change(load, active(before), u32::MAX);
    }
    change(load, active(after), 1);
}

#[inline(always)]
fn change(load: *mut Load, active: bool, by: u32) {
    // SAFETY: map values are aligned, and the programs change this one by atomic operations. The
    // daemon overwrites it: what is lost then is counted again by it.
    unsafe {
        let count = if active {
            &raw mut (*load).active
        } else {
            &raw mut (*load).inactive
        };
        atomic::add(count, by);
    }
}
