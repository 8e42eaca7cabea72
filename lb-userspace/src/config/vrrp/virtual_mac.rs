//! `virtual_mac`: the device that has the virtual router's own MAC.

use std::num::NonZeroU8;

use crate::config::block::{Block, Value};
use crate::config::reader::{at, interface};
use crate::config::report::{At, Report};

enum Wish {
    Off,
    /// By the name that follows from the VRID.
    On,
    Named(String),
}

/// `Some(None)`: none; `None`: wrong, and reported, or what it depends on is.
pub(super) fn read(
    report: &mut Report<'_>,
    block: &mut Block<'_>,
    vrid: Option<NonZeroU8>,
    ipv6: Option<bool>,
) -> Option<Option<At<String>>> {
    let Some(At { value, span }) = block.optional(report, "virtual_mac", at(wish))? else {
        return Some(None);
    };
    let name = match value {
        Wish::Off => return Some(None),
        Wish::On => {
            let family = if ipv6? { "6" } else { "" };
            format!("vrrp{family}.{}", vrid?)
        }
        Wish::Named(name) => name,
    };
    Some(Some(At { value: name, span }))
}

fn wish(report: &mut Report<'_>, value: Value<'_>) -> Option<Wish> {
    if value.toml().is_str() {
        return interface(report, value).map(Wish::Named);
    }
    match value.toml().as_bool() {
        Some(true) => Some(Wish::On),
        Some(false) => Some(Wish::Off),
        None => {
            value.wrong_type(report, "true, false or the name of a device");
            None
        }
    }
}
