//! Finding a service.

use lb_common::index::IndexKey;
use lb_common::layout::{Service, Settings};
use lb_common::reason::Reason;

use crate::maps::{SERVICE_INDEX, SETTINGS, WILDCARDS};

#[inline(always)]
pub(crate) fn settings() -> Option<&'static Settings> {
    SETTINGS.get(0)
}

/// The service with this key, or the one on all ports of its address.
#[inline(always)]
pub(crate) fn find(key: &IndexKey) -> Result<&'static Service, Reason> {
    if let Some(service) = exact(key) {
        return Ok(service);
    }
    if key.fragments != 0 {
        return Err(Reason::Fragment);
    }
    // Who has no such service does not pay for a second look.
    if WILDCARDS.load() == 0 {
        return Err(Reason::NoService);
    }
    exact(&key.any_port()).ok_or(Reason::NoService)
}

/// [`find`] for the slow path: the service's place in the index. 0, or the place plus 1.
///
/// Exported, so that the verifier looks at it by itself, and for its own room on the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub(crate) extern "C" fn find_service(key: *const IndexKey) -> u32 {
    // SAFETY: the caller's own, if it is not null.
    let Some(key) = (unsafe { key.as_ref() }) else {
        return 0;
    };
    let at = |key: &IndexKey| {
        let [first, second] = key.places();
        let is_at = |place: u32| {
            let entry = SERVICE_INDEX.get_value(0, &place);
            entry.is_some_and(|entry| entry.key == *key)
        };
        if is_at(first) {
            first + 1
        } else if is_at(second) {
            second + 1
        } else {
            0
        }
    };
    let found = at(key);
    if found == 0 && key.fragments == 0 && WILDCARDS.load() != 0 {
        return at(&key.any_port());
    }
    found
}

/// The service at a place that [`find_service`] gave, unless the index was swapped meanwhile.
#[inline(always)]
pub(crate) fn at(found: u32, key: &IndexKey) -> Option<&'static Service> {
    let place = found.checked_sub(1)?;
    let entry = SERVICE_INDEX.get_value(0, &place)?;
    let same = entry.key == *key || (WILDCARDS.load() != 0 && entry.key == key.any_port());
    same.then_some(&entry.service)
}

/// The one lookup of a service.
#[inline(always)]
fn exact(key: &IndexKey) -> Option<&'static Service> {
    let [first, second] = key.places();
    let index = SERVICE_INDEX.get(0)?;
    let at = |place: u32| {
        let entry = index.get(place)?;
        (entry.key == *key).then_some(&entry.service)
    };
    at(first).or_else(|| at(second))
}
