//! `addresses`: the virtual addresses, of one family.

use crate::config::InterfaceAddress;
use crate::config::address::interface_address;
use crate::config::block::Block;
use crate::config::check::duplicates;
use crate::config::reader::{at, list};
use crate::config::report::{At, Report};

/// RFC 9568 section 5.2.5: the count is one byte.
const MOST: usize = 255;

/// What could be read of them.
pub(super) struct Addresses {
    pub(super) items: Vec<At<InterfaceAddress>>,
    /// No address is missing because it was wrong.
    pub(super) whole: bool,
}

impl Addresses {
    /// `None`: there is none that could be read.
    pub(super) fn is_ipv6(&self) -> Option<bool> {
        let first = self.items.first();
        first.map(|first| first.value.address.is_ipv6())
    }
}

pub(super) fn read(report: &mut Report<'_>, block: &mut Block<'_>) -> Addresses {
    let list = block.required(report, "addresses", at(list(interface_address)));
    let Some(At { value: list, span }) = list else {
        return Addresses {
            items: Vec::new(),
            whole: false,
        };
    };
    if list.whole && list.items.is_empty() {
        report
            .error(&span, "`addresses` is empty")
            .hint("write at least one virtual address, like \"192.0.2.10/24\"");
    }
    if list.items.len() > MOST {
        report
            .error(&span, format!("`addresses` has more than {MOST} addresses"))
            .hint("put some of them into another instance");
    }
    duplicates(
        report,
        list.items.iter().map(|a| (a.value.address, &a.span)),
        |address| format!("`addresses` has {address} twice"),
    );
    let addresses = Addresses {
        items: list.items,
        whole: list.whole,
    };
    one_family(report, &addresses);
    addresses
}

/// RFC 9568 section 1.2: an IPv4 and an IPv6 virtual router are two, even with the same VRID.
fn one_family(report: &mut Report<'_>, addresses: &Addresses) {
    let first = addresses.is_ipv6();
    let of_the_other = |a: &&At<InterfaceAddress>| Some(a.value.address.is_ipv6()) != first;
    if let Some(stranger) = addresses.items.iter().find(of_the_other) {
        report
            .error(&stranger.span, "`addresses` has both IPv4 and IPv6")
            .hint(
                "write a [[vrrp]] block for each family, with the same `virtual_router_id` if you \
                 like, and a [[sync_group]] if both must be on one director",
            );
    }
}
