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
